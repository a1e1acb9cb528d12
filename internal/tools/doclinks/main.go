// Command doclinks finds broken links in the Markdown files under the working
// directory: relative links to files that do not exist, and #fragments that no
// heading has, and links to other hosts that a list does not have. With -follow it asks those hosts, and writes the list.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

func main() {
	followed := flag.Bool("follow", false, "ask other hosts for what is linked there, and write when that was")
	flag.Parse()
	what := run
	if *followed {
		what = write
	}
	if err := what(os.DirFS("."), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "doclinks:", err)
		os.Exit(1)
	}
}

// run writes a line to out for each broken link in a Markdown file of root.
func run(root fs.FS, out io.Writer) error {
	documents, err := readAll(root)
	if err != nil {
		return err
	}
	known, err := readList(root)
	if err != nil {
		return err
	}
	links, broken := 0, 0
	for _, from := range slices.Sorted(maps.Keys(documents)) {
		for _, link := range documents[from].links {
			links++
			if fault := check(root, documents, from, link); fault != "" {
				broken++
				fmt.Fprintf(out, "%s: %s: %s\n", from, link, fault)
			}
		}
	}
	for _, fault := range known.faults(elsewhere(documents)) {
		broken++
		fmt.Fprintln(out, fault)
	}
	if broken > 0 {
		return fmt.Errorf("%d of %d links are broken", broken, links)
	}
	fmt.Fprintf(out, "doclinks: %d links in %d files, none broken\n", links, len(documents))
	return nil
}

// write follows the links to other hosts, and writes the list of them under the working directory, which root is.
func write(root fs.FS, out io.Writer) error {
	documents, err := readAll(root)
	if err != nil {
		return err
	}
	old, err := readList(root)
	if err != nil {
		return err
	}
	now, err := followAll(context.Background(), http.DefaultClient, elsewhere(documents), old, time.Now().UTC().Format(time.DateOnly), out)
	return errors.Join(err, os.WriteFile(elsewhereFile, now.bytes(), 0o644)) //nolint:gosec // committed, for all to read
}

// readAll parses the Markdown files of root by path. Hidden folders are left out.
func readAll(root fs.FS) (map[string]document, error) {
	documents := make(map[string]document)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err == nil {
			documents[name] = parse(source)
		}
		return err
	})
	return documents, err
}

// check returns what is wrong with a link in the document at from, or "".
func check(root fs.FS, documents map[string]document, from, link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return "not a URL"
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	target := from
	if u.Path != "" {
		target = path.Join(path.Dir(from), u.Path)
	}
	if path.IsAbs(u.Path) || !fs.ValidPath(target) {
		return "leaves the tree"
	}
	if _, err := fs.Stat(root, target); err != nil {
		return "no such file"
	}
	if doc, ok := documents[target]; ok && u.Fragment != "" && !doc.anchors[u.Fragment] {
		return "no such heading"
	}
	return ""
}
