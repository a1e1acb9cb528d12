// Command mixin makes what the jsonnet mixin of deploy/mixin renders from: the rules of alerts/ and the dashboards, with a mark wherever its
// _config has a say. It can render, too, as `jsonnet -S -m` does.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "write":
		err = write(os.Args[2])
	case len(os.Args) == 5 && os.Args[1] == "render":
		err = render(os.Args[2], os.Args[3], os.Args[4])
	default:
		fmt.Fprintln(os.Stderr, "usage: mixin write REPOSITORY\n       mixin render REPOSITORY FILE.jsonnet FOLDER")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mixin:", err)
		os.Exit(1)
	}
}
