# The C files are as .clang-format has them. Releases of clang-format disagree, so only one judges.
cd "$WEFT_SOURCE" || exit 1
for tool in clang-format-14 clang-format; do
  case $($tool --version 2> /dev/null) in
    *"version 14."*) break ;;
  esac
  tool=
done
[ -n "$tool" ] || { echo "SKIP: no clang-format 14 here"; exit 77; }
files=$(find src include tests -name '*.[ch]' | sort)
[ -n "$files" ] || { echo "no C files below $WEFT_SOURCE"; exit 1; }
# shellcheck disable=SC2086
$tool --style=file --dry-run -Werror $files || { echo "mend it by: $tool -i FILE..."; exit 1; }
