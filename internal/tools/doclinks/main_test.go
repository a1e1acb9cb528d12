package main

import (
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
		{"another host", "[a](https://example.com/none.md)", ""},
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
