# Completes weft, weft-submit (submit.sh) and weft-sweep (sweep.sh) in bash: verbs, a verb's options and their values,
# files. To use it: source jobs/completion.bash (installed, bash-completion finds it by itself).
# What there is, the program says (weft -help -json): it is asked once, and again when it has changed.
# shellcheck shell=bash

declare -gA _weft_known=() # "PROGRAM TIME": what it said, as _weft_ask prints it

# Prints lines "VERB NAME ARGUMENT LAYER" of each option, ARGUMENT null for a flag, LAYER true where the option may be
# given for one layer; "VERB word WORDS" of each verb; VERB is * where it does not matter. By the lines of the JSON text.
_weft_ask() {
  "$1" -help -json 2> /dev/null | awk -F '"' '
    function value() { return $4 == "" ? "null" : $4 }
    $2 == "everywhere" { verb = "*" }
    $2 == "name" && $4 ~ /^-/ { option = $4; next }
    $2 == "name" { verb = $4 }
    $2 == "word" { print verb, "word", value() }
    $2 == "argument" { argument = value() }
    $2 == "per_layer" { print verb, option, argument, ($0 ~ /true/ ? "true" : "false") }'
}

# The program that a command line is about, its own or the one that a script in jobs/ or bin/ would run.
_weft_program() {
  local command folder
  command=$(type -P -- "${1/#\~/$HOME}") || return 1
  case ${1##*/} in weft-submit | submit.sh) ;; *) echo "$command" && return ;; esac
  folder=$(dirname "$(readlink -f "$command")")
  for command in "${WEFT:-}" "$folder/../build/weft" "$folder/weft" "$folder/../../../bin/weft"; do
    [ -x "$command" ] && [ -f "$command" ] && echo "$command" && return
  done
  return 1
}

_weft_files() { # of one suffix, and folders
  compopt -o filenames 2> /dev/null
  mapfile -t COMPREPLY < <(compgen -d -- "$2"; compgen -f -X "!*$1" -- "$2")
}

_weft_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }

# The value of an option or the word of a verb, as its argument is written in the help.
_weft_value() {
  case $1 in
    *'|'*) _weft_words "${1//|/ }" "$2" ;;
    *.h5) _weft_files .h5 "$2" ;;
    *.yaml) _weft_files .yaml "$2" ;;
  esac
}

# The options of a verb, with two dashes or for one layer where the word begun has them.
_weft_options() {
  local lines=$1 begun=$2 dashes='' layer='' list
  [[ $begun == --* ]] && dashes=-
  [[ $begun =~ ^--?(layer[0-9]+_) ]] && layer=${BASH_REMATCH[1]}
  list=$(awk -v dashes="$dashes" -v layer="$layer" \
    '$2 ~ /^-/ && (layer == "" || $4 == "true") { print dashes "-" layer substr($2, 2) }' <<< "$lines")
  _weft_words "$list" "$begun"
}

# The options of a script in jobs/, by its -help; those of sbatch that it mentions are none of its own.
_weft_script_options() {
  local options
  options=$("$1" -help 2> /dev/null | sed 's/sbatch -.*//' | grep -oE -- '(^|[ [])--?[a-z][a-z-]*' | tr -d ' [' | sort -u)
  _weft_words "$options" "$2"
}

# Where the verb stands or is to stand: behind the options of submit.sh, each of which has a value.
_weft_verb_at() {
  local at=1
  while [[ ${COMP_WORDS[at]:-} == --* && $at -lt $COMP_CWORD ]]; do
    [[ ${COMP_WORDS[at]} == --dry-run ]] || at=$((at + 1))
    at=$((at + 1))
  done
  echo "$at"
}

_weft() {
  local begun=${COMP_WORDS[COMP_CWORD]} before program key lines argument at=1
  COMPREPLY=()
  program=$(_weft_program "${COMP_WORDS[0]}") || return 0
  [[ ${COMP_WORDS[0]##*/} != *submit* ]] || at=$(_weft_verb_at)
  [ "$at" -le "$COMP_CWORD" ] || return 0 # the value of an option of submit.sh
  key="$program $(stat -c %Y -- "$program" 2> /dev/null)"
  [ -n "${_weft_known[$key]:-}" ] || _weft_known[$key]=$(_weft_ask "$program")
  lines=${_weft_known[$key]}
  if [ "$COMP_CWORD" -eq "$at" ]; then
    case ${COMP_WORDS[0]##*/}$begun in
      *submit*--*) _weft_script_options "${COMP_WORDS[0]}" "$begun" ;;
      *submit*) _weft_words "learn train encode bench -help" "$begun" ;;
      *) _weft_words "$(awk '$2 == "word" { print $1 }' <<< "$lines") -help -version" "$begun" ;;
    esac
    return 0
  fi
  lines=$(awk -v verb="${COMP_WORDS[at]}" '$1 == verb || $1 == "*"' <<< "$lines")
  before=$(sed -E 's/^--?(layer[0-9]+_)?/-/' <<< "${COMP_WORDS[COMP_CWORD - 1]}")
  argument=$(awk -v name="$before" '$2 == name { print $3 }' <<< "$lines")
  [ "$COMP_CWORD" -ne $((at + 1)) ] || argument=$(awk '$2 == "word" { print $3 }' <<< "$lines")
  if [ -n "$argument" ] && [ "$argument" != null ]; then
    _weft_value "$argument" "$begun"
  else
    _weft_options "$lines" "$begun"
  fi
}

_weft_sweep() {
  local begun=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  case $before in
    -data | --data) _weft_files .h5 "$begun" ;;
    *) if [[ $begun == -* ]]; then _weft_script_options "${COMP_WORDS[0]}" "$begun"; else _weft_files .yaml "$begun"; fi ;;
  esac
}

complete -o bashdefault -o default -F _weft weft weft-submit submit.sh
complete -o bashdefault -o default -F _weft_sweep weft-sweep sweep.sh
