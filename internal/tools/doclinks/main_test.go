package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBrokenLinksAreFound(t *testing.T) {
	tests := []struct {
		name, readme, want string
	}{
		{"a file", "[a](docs/a.md)", ""},
		{"a folder", "[docs](docs)", ""},
		{"an image", "![a](docs/a.png)", ""},
		{"another host", "[a](https://example.com/none.md) <https://example.com/none.md>", ""},
		{"another host that is not listed", "[a](https://example.com/none.md) [b](https://example.net)", "README.md: https://example.net: not in"},
		{"another host by its address", "[a](https://example.com/none.md) <https://example.net>", "README.md: https://example.net: not in"},
		{"another host that is listed and not linked", "a", "elsewhere.txt: https://example.com/none.md: linked nowhere"},
		{"this machine", "[a](https://example.com/none.md) <http://localhost:3000>", ""},
		{"a heading elsewhere", "[a](docs/a.md#the-task_id-label)", ""},
		{"a repeated heading elsewhere", "[a](docs/a.md#twice-1)", ""},
		{"an anchor in HTML", "[a](docs/a.md#by-hand)", ""},
		{"a heading here", "# One, two\n[a](#one-two)", ""},
		{"a link shown as code", "`[a](none.md)`\n\n```\n[a](none.md)\n```", ""},
		{"no such file", "[a](docs/none.md)", "README.md: docs/none.md: no such file"},
		{"no such image", "![a](docs/none.png)", "README.md: docs/none.png: no such file"},
		{"no such file by reference", "[a][1]\n\n[1]: none.md", "README.md: none.md: no such file"},
		{"no such file in HTML", `<img alt="a" src="none.png">`, "README.md: none.png: no such file"},
		{"no such heading", "[a](docs/a.md#none)", "README.md: docs/a.md#none: no such heading"},
		{"no such heading here", "[a](#none)", "README.md: #none: no such heading"},
		{"out of the tree", "[a](../a.md)", "README.md: ../a.md: leaves the tree"},
		{"an absolute path", "[a](/docs/a.md)", "README.md: /docs/a.md: leaves the tree"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := fstest.MapFS{
				"README.md":      {Data: []byte(tt.readme)},
				"docs/a.md":      {Data: []byte("## The `task_id` label\n## Twice\n## Twice\n<a id=\"by-hand\"></a>\n[back](../README.md)\n")},
				"docs/a.png":     {},
				".cache/skip.md": {Data: []byte("[a](none.md)")},
			}
			if strings.Contains(tt.name, "another host") || tt.name == "this machine" {
				root[elsewhereFile] = &fstest.MapFile{Data: []byte("# comment\nhttps://example.com/none.md 2026-11-29 followed\n")}
			}
			var out strings.Builder
			err := run(root, &out)
			if failed := err != nil; failed != (tt.want != "") {
				t.Errorf("run() = %v, output:\n%s", err, &out)
			}
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("output lacks %q:\n%s", tt.want, &out)
			}
		})
	}
}

// unreachable is a network in which one page's host can't be reached.
type unreachable string

func (u unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.String() == string(u) {
		return nil, errors.New("no such host")
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestLinksToOtherHostsAreFollowed(t *testing.T) {
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/there" {
			http.NotFound(w, r)
		}
	}))
	defer host.Close()
	const nobody = "http://nobody.invalid/"
	old := list{comments: "# comment\n", rows: map[string]string{nobody: "2026-01-02 followed", "http://gone/": "never"}}
	for _, tt := range []struct {
		name      string
		links     []string
		want, err string
	}{
		{"all are there", []string{host.URL + "/there"}, "# comment\nHOST/there 2026-11-29 followed\n", ""},
		{
			"one is not",
			[]string{host.URL + "/there", host.URL + "/new"},
			"# comment\nHOST/new never\nHOST/there 2026-11-29 followed\n", "1 of 2 links to other hosts are broken",
		},
		{
			"a host is not",
			[]string{host.URL + "/there", nobody},
			"# comment\nHOST/there 2026-11-29 followed\nhttp://nobody.invalid/ 2026-01-02 followed\n", "1 of 2 links to other hosts are broken",
		},
		{"no network", []string{nobody}, "# comment\nhttp://nobody.invalid/ 2026-01-02 followed\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			links := make(map[string]string)
			for _, link := range tt.links {
				links[link] = "README.md"
			}
			var out strings.Builder
			now, err := followAll(t.Context(), &http.Client{Transport: unreachable(nobody)}, links, old, "2026-11-29", &out)
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("followAll() = %v, want %q; output:\n%s", err, tt.err, &out)
			}
			if got := strings.ReplaceAll(string(now.bytes()), host.URL, "HOST"); got != tt.want {
				t.Errorf("the list is\n%swant\n%s", got, tt.want)
			}
		})
	}
}
