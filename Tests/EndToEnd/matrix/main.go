// Asks for each URL with Go's net/http, as it comes; without any, tells Go's version.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	if len(os.Args) == 1 {
		fmt.Println(runtime.Version())
		return
	}
	client := http.Client{Timeout: 10 * time.Second}
	var all sync.WaitGroup
	for _, url := range os.Args[1:] {
		all.Add(1)
		go func(url string) {
			defer all.Done()
			answer, err := client.Get(url)
			if err == nil {
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}(url)
	}
	all.Wait()
}
