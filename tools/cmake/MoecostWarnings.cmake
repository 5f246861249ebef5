# Warnings, sanitizers and optimisation flags shared by every target, as one interface library.
add_library(moecost_flags INTERFACE)
target_compile_options(moecost_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wdouble-promotion)
if(MOECOST_WERROR)
  # g++ 12 raises these four after inlining of its own headers (known false positives).
  target_compile_options(moecost_flags INTERFACE -Werror
    -Wno-error=array-bounds -Wno-error=restrict -Wno-error=maybe-uninitialized -Wno-error=stringop-overflow)
endif()
if(MOECOST_SANITIZE)
  target_compile_options(moecost_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(moecost_flags INTERFACE -fsanitize=address,undefined)
endif()
