// Ten thousand goroutines, and what Go programs ask of a kernel besides. Prints the same on
// any kernel.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func goroutines() {
	var wg sync.WaitGroup
	var n, sum int64
	start, ch := make(chan bool), make(chan int, 100)
	for i := 0; i < 10000; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			<-start
			atomic.AddInt64(&n, 1)
			time.Sleep(time.Millisecond)
			ch <- i
		}(i)
	}
	fmt.Println(runtime.NumGoroutine() > 10000)
	close(start)
	go func() { wg.Wait(); close(ch) }()
	for i := range ch {
		sum += int64(i)
	}
	fmt.Println(n, sum)
}

func ring() {
	first := make(chan int)
	in := first
	for i := 0; i < 1000; i++ {
		out := make(chan int)
		go func(in, out chan int) {
			for v := range in {
				out <- v + 1
			}
		}(in, out)
		in = out
	}
	for i := 0; i < 10; i++ {
		go func() { first <- i * 0 }()
		fmt.Print(<-in, " ")
	}
	fmt.Println()
}

// A loop without calls must be preempted, by a signal.
func preempt() {
	done := make(chan bool)
	var stop int32
	go func() {
		for x := 0; atomic.LoadInt32(&stop) == 0; x++ {
		}
		done <- true
	}()
	time.Sleep(20 * time.Millisecond)
	runtime.GC()
	atomic.StoreInt32(&stop, 1)
	fmt.Println(<-done)
}

func memory() {
	keep := make([][]byte, 100)
	for i := 0; i < 20000; i++ {
		keep[i%100] = make([]byte, 10000+i)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println(len(keep[99]), m.NumGC > 0, m.Sys > 0)
}

func processes() {
	out, err := exec.Command("sh", "-c", "echo sub; exit 3").Output()
	fmt.Printf("%q %v\n", out, err)
	_, err = exec.Command("/no/such").Output()
	fmt.Println(err)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println(exec.CommandContext(ctx, "sleep", "10").Run())
	var wg sync.WaitGroup
	var sum int64
	for i := 0; i < 20; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			e := exec.Command("sh", "-c", fmt.Sprint("exit ", i)).Run()
			if x, is := e.(*exec.ExitError); is {
				atomic.AddInt64(&sum, int64(x.ExitCode()))
			}
		}(i)
	}
	wg.Wait()
	fmt.Println(sum)
}

func sockets() {
	name := filepath.Join(os.TempDir(), "go.sock")
	os.Remove(name)
	l, err := net.Listen("unix", name)
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	var wg sync.WaitGroup
	var good int64
	for i := 0; i < 300; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			c, err := net.Dial("unix", name)
			if err != nil {
				return
			}
			defer c.Close()
			fmt.Fprintln(c, "line", i)
			s, _ := bufio.NewReader(c).ReadString('\n')
			if s == fmt.Sprintln("line", i) {
				atomic.AddInt64(&good, 1)
			}
		}(i)
	}
	wg.Wait()
	l.Close()
	c, _ := net.FileConn(os.Stdin)
	fmt.Println(good, c)
}

func signals() {
	c := make(chan os.Signal, 9)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-c)
	r, w, _ := os.Pipe()
	r.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := r.Read(make([]byte, 1))
	fmt.Println(os.IsTimeout(err))
	go func() { time.Sleep(10 * time.Millisecond); w.Write([]byte("x")) }()
	r.SetReadDeadline(time.Time{})
	n, _ := r.Read(make([]byte, 5))
	fmt.Println(n)
	t := time.NewTicker(time.Millisecond)
	for i := 0; i < 20; i++ {
		<-t.C
	}
	fmt.Println("ticked")
}

func files() {
	d, _ := os.MkdirTemp("", "go")
	for i := 0; i < 100; i++ {
		os.WriteFile(filepath.Join(d, fmt.Sprint(i)), []byte("x"), 0644)
	}
	e, _ := os.ReadDir(d)
	_, err := os.Open(filepath.Join(d, "none"))
	fmt.Println(len(e), os.IsNotExist(err), os.RemoveAll(d))
}

func main() {
	goroutines()
	ring()
	preempt()
	memory()
	processes()
	sockets()
	signals()
	files()
}
