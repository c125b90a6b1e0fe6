# The Python code holds to its annotations: mypy, as postprocess/pyproject.toml sets it.
set -u
mypy=$(command -v mypy) || { echo "SKIP: no mypy"; exit 77; }
cache=$(mktemp -d) || exit 1
trap 'rm -rf "$cache"' EXIT
status=0
types() { # FOLDER PACKAGE
  (cd "$WEFT_SOURCE/$1" && "$mypy" --config-file "$WEFT_SOURCE/postprocess/pyproject.toml" --cache-dir "$cache" -p "$2") ||
    status=1
}
types postprocess weftpost
types jobs weftsweep
exit $status
