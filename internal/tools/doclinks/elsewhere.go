// Links to other hosts: make docs-check needs no network, so a list says when each was followed last.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// elsewhereFile is the list: a link, a day, and how it was checked on that day, or "never".
const elsewhereFile = "internal/tools/doclinks/elsewhere.txt"

// list is what the file has: comments at its top, and the rest of each link's line.
type list struct {
	comments string
	rows     map[string]string
}

func readList(root fs.FS) (list, error) {
	l := list{rows: make(map[string]string)}
	text, err := fs.ReadFile(root, elsewhereFile)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			l.comments += line
			continue
		}
		link, row, _ := strings.Cut(strings.TrimSpace(line), " ")
		l.rows[link] = row
	}
	return l, err
}

func (l list) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(l.comments)
	for _, link := range slices.Sorted(maps.Keys(l.rows)) {
		fmt.Fprintf(&b, "%s %s\n", link, l.rows[link])
	}
	return b.Bytes()
}

// faults tells which links have no line in the list, and which lines have no link.
func (l list) faults(links map[string]string) []string {
	var faults []string
	for _, link := range slices.Sorted(maps.Keys(links)) {
		if l.rows[link] == "" {
			faults = append(faults, fmt.Sprintf("%s: %s: not in %s; make links adds it", links[link], link, elsewhereFile))
		}
	}
	for _, link := range slices.Sorted(maps.Keys(l.rows)) {
		if links[link] == "" {
			faults = append(faults, fmt.Sprintf("%s: %s: linked nowhere; make links removes it", elsewhereFile, link))
		}
	}
	return faults
}

// elsewhere returns each link to another host, and a document that has it. What the reader's own machine serves is none.
func elsewhere(documents map[string]document) map[string]string {
	links := make(map[string]string)
	for _, from := range slices.Sorted(maps.Keys(documents)) {
		for _, link := range documents[from].links {
			u, err := url.Parse(link)
			if err == nil && u.Host != "" && u.Hostname() != "localhost" && links[link] == "" {
				links[link] = from
			}
		}
	}
	return links
}

// followAll asks for each link, and returns the list as it is then. Where no host can be reached nothing is known, and it stays as it was
// but for links that are new or gone. A link that fails keeps its line.
func followAll(ctx context.Context, client *http.Client, links map[string]string, old list, today string, out io.Writer) (list, error) {
	now := list{comments: old.comments, rows: make(map[string]string)}
	var failed, unreachable int
	for _, link := range slices.Sorted(maps.Keys(links)) {
		now.rows[link] = old.rows[link]
		if now.rows[link] == "" {
			now.rows[link] = "never"
		}
		switch err := follow(ctx, client, link); {
		case err == nil:
			now.rows[link] = today + " followed"
		case errors.As(err, new(*url.Error)):
			unreachable++
			fmt.Fprintf(out, "%s: %s: %v\n", links[link], link, err)
		default:
			failed++
			fmt.Fprintf(out, "%s: %s: %v\n", links[link], link, err)
		}
	}
	if unreachable == len(links) {
		fmt.Fprintln(out, "doclinks: no host can be reached, so no link to one was followed")
		return now, nil
	}
	if failed+unreachable > 0 {
		return now, fmt.Errorf("%d of %d links to other hosts are broken", failed+unreachable, len(links))
	}
	fmt.Fprintf(out, "doclinks: %d links to other hosts, none broken\n", len(links))
	return now, nil
}

// follow asks for a page, and fails unless it is there.
func follow(ctx context.Context, client *http.Client, link string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}
