# cppcheck finds nothing in the C files.
cd "$WEFT_SOURCE" || exit 1
command -v cppcheck > /dev/null || { echo "SKIP: no cppcheck here"; exit 77; }
# Not looked for, as it is how the code is written: variables at the head of a function, where PETSc has them; a condition
# of its own before each call that may fail; ?: after % and &. Wrong: a length that is the least of two is not always the
# same; the sum of exponentials below a log has a term that is 1; bytes are cast where the precision says what they are; a block that is
# written to is not const, though its handle stays.
suppress="variableScope duplicateCondition clarifyCalculation knownConditionTrueFalse invalidFunctionArg invalidPointerCast
  redundantContinue constParameter"
cppcheck --enable=warning,style,performance,portability --std=c11 --quiet --error-exitcode=1 -j "$(nproc)" -Iinclude \
  $(printf -- '--suppress=%s ' $suppress) --template='{file}:{line}: {severity}: {message} [{id}]' src tests
