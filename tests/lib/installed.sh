# For tests of what `cmake --install` leaves; source it after cli.sh. $installed is that, moved from where it was
# installed: nothing in it may know where that was.
build=$(dirname "$WEFT")
[ -f "$build/cmake_install.cmake" ] || skip "$build is no build folder"
runs cmake --install "$build" --prefix "$TMP/weft"
mv "$TMP/weft" "$TMP/elsewhere"
installed=$TMP/elsewhere
mkdir run && cd run || exit 1
