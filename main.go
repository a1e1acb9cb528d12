// Command kie_exporter exports the state of kie.ai tasks as Prometheus metrics.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/kie-exporter/kie_exporter/internal/app"
	"github.com/kie-exporter/kie_exporter/internal/buildinfo"
)

func main() {
	buildinfo.Complete()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks for an orderly end, a second one ends the process
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	os.Exit(app.Run(ctx, os.Args[1:], app.Options{Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Reload: reload}))
}
