# make and gcc: a project of fifty files, its library and its programs.
t generate
mkdir src && cd src || exit
for i in $(seq 50); do
    printf '#include "all.h"\n#include <stdio.h>\n#include <string.h>\n#include <math.h>\nint f%d(int x)\n{\n    char b[64];\n    snprintf(b, sizeof b, "%%d", x);\n    return (int)strlen(b) + x * %d + (int)sqrt(x);\n}\n' $i $i > f$i.c
done
for i in $(seq 50); do echo "int f$i(int x);"; done > all.h
{ echo '#include "all.h"'; echo '#include <stdio.h>'; echo 'int main(void) { int s = 0;'
  for i in $(seq 50); do echo "s += f$i($i);"; done; echo 'printf("%d\n", s); return s % 100; }'; } > main.c
cat > Makefile <<'M'
OBJ := $(patsubst %.c,%.o,$(wildcard f*.c))
CFLAGS := -O2 -fPIC -Wall -MMD
all: static shared
static: main.o libf.a ; $(CC) -static $^ -lm -o $@
shared: main.o libf.so ; $(CC) main.o -L. -lf -lm -Wl,-rpath,. -o $@
libf.a: $(OBJ) ; $(AR) rcs $@ $^
libf.so: $(OBJ) ; $(CC) -shared $^ -lm -o $@
clean: ; rm -f *.o *.d *.a *.so static shared
-include $(wildcard *.d)
M
ls | wc -l
t make
must make -s -j2; ./static; echo $?; ./shared; echo $?; nm libf.a | grep -c ' T '; make | sed 's/^make: //'
touch all.h; make -n | grep -c -- -MMD; must make -s -j4; ldd ./shared | awk '{ print $1 }'; md5sum < static
make -s clean; ls | wc -l
t gcc
printf 'int main(void) { return *(int *)0; }\n' > crash.c; must gcc -g crash.c -o crash; sh -c "./crash" > /dev/null 2>&1; echo $?
printf '#include <pthread.h>\n#include <stdio.h>\nstatic _Atomic int n;\nstatic void *w(void *a) { for (int i = 0; i < 10000; i++) n++; return a; }\nint main(void) { pthread_t t[8]; for (int i = 0; i < 8; i++) pthread_create(t + i, 0, w, 0); for (int i = 0; i < 8; i++) pthread_join(t[i], 0); printf("%%d\\n", n); }\n' > th.c
must gcc -O2 th.c -o th -pthread; ./th; gcc -fsyntax-only -Wall -Werror nofile.c; echo $?
must gcc -flto -O2 th.c -o th2 -pthread; ./th2; must gcc -pipe -S th.c -o - | grep -c pthread_create
printf '#include <stdio.h>\nint main(void) { char b[9]; gets(b); }\n' | gcc -xc - -o g 2>&1 | wc -l
gcc -fsanitize=undefined -xc - -o ub <<< 'int main(int c, char **v) { int x = 0x7fffffff; return (x + c) && 0; }' && ./ub 2>&1 | sed 's/.*runtime/runtime/'
objdump -d th | grep -c call; strip th; ./th; gcc -print-multiarch; ar t libnone.a; echo $?
