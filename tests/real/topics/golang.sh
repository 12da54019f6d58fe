# Go: the toolchain, and a program with ten thousand goroutines.
export GOCACHE=$PWD/cache GOFLAGS=-mod=mod GO111MODULE=off HOME=$PWD
t build
cp /t/src/many.go . && must go build -o many many.go; go version | cut -d ' ' -f 3; go vet many.go && echo vetted
t run
./many; echo "status $?"; GOMAXPROCS=1 ./many | md5sum; GOGC=5 ./many | md5sum;
t race
printf 'package main\nfunc main() { var p *int; defer func() { println(recover() != nil) }(); *p = 1 }\n' > nil.go; must go build nil.go; ./nil
printf 'package main\nfunc f(n int) int { if n == 0 { return 0 }; var a [200]byte; a[n%%200] = 1; return f(n-1) + int(a[n%%200]) }\nfunc main() { println(f(100000)) }\n' > deep.go; must go build deep.go; ./deep
printf 'package main\nfunc main() { c := make(chan int); <-c }\n' > dead.go; must go build dead.go; ./dead 2>&1 | head -n 1
must gofmt -l many.go nil.go
