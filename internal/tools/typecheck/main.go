// Command typecheck reads the packages of a folder and their tests as the compiler does for other systems, and type-checks them. It generates
// no code and links nothing, which is what takes the compiler its time. What it can't see is what only the linker finds: a function without a
// body whose assembly is missing.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: typecheck FOLDER GOOS/GOARCH…")
		os.Exit(2)
	}
	failed := false
	for _, platform := range os.Args[2:] {
		if err := check(context.Background(), os.Args[1], platform); err != nil {
			fmt.Fprintf(os.Stderr, "typecheck: %s: %v\n", platform, err)
			failed = true
			continue
		}
		fmt.Printf("typecheck: %s passed\n", platform)
	}
	if failed {
		os.Exit(1)
	}
}

// check returns the errors of all packages of the module in a folder, of their tests and of what they import, for a platform such as
// linux/s390x. Bodies of functions are checked in the module only.
func check(ctx context.Context, folder, platform string) error {
	system, processor, ok := strings.Cut(platform, "/")
	if !ok {
		return errors.New("no platform: GOOS/GOARCH is one")
	}
	loaded, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     folder,
		Env:     append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0"),
		Tests:   true,
		Mode:    packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedTypes | packages.NeedTypesSizes | packages.NeedModule,
	}, "./...")
	if err != nil {
		return err
	}
	if len(loaded) == 0 {
		return fmt.Errorf("no packages in %s", folder)
	}
	var found []error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, e := range p.Errors {
			found = append(found, e)
		}
	})
	return errors.Join(found...)
}
