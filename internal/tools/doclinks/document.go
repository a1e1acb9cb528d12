// A Markdown file as the check sees it: where it links, and where it can be linked to.

package main

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

type document struct {
	links   []string
	anchors map[string]bool
}

// parse reads Markdown with GitHub's extensions.
func parse(source []byte) document {
	doc := document{anchors: make(map[string]bool)}
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	// The walk cannot fail: doc.visit never returns an error.
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			doc.visit(node, source)
		}
		return ast.WalkContinue, nil
	})
	return doc
}

func (d *document) visit(node ast.Node, source []byte) {
	switch node := node.(type) {
	case *ast.Link:
		d.links = append(d.links, string(node.Destination))
	case *ast.AutoLink:
		d.links = append(d.links, string(node.URL(source)))
	case *ast.Image:
		d.links = append(d.links, string(node.Destination))
	case *ast.Heading:
		d.addAnchor(slug(plainText(node, source)))
	case *ast.HTMLBlock:
		d.visitHTML(node.Lines().Value(source))
	case *ast.RawHTML:
		d.visitHTML(node.Segments.Value(source))
	}
}

var htmlAttribute = regexp.MustCompile(`\s(href|src|id|name)="([^"]*)"`)

func (d *document) visitHTML(html []byte) {
	for _, match := range htmlAttribute.FindAllSubmatch(html, -1) {
		value := string(match[2])
		switch string(match[1]) {
		case "href", "src":
			d.links = append(d.links, value)
		default:
			d.anchors[value] = true
		}
	}
}

// addAnchor numbers headings of the same text as GitHub does: a, a-1, a-2.
func (d *document) addAnchor(anchor string) {
	unique := anchor
	for n := 1; d.anchors[unique]; n++ {
		unique = anchor + "-" + strconv.Itoa(n)
	}
	d.anchors[unique] = true
}

// slug is the anchor that GitHub gives a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

func plainText(node ast.Node, source []byte) string {
	var b strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
		} else {
			b.WriteString(plainText(child, source))
		}
	}
	return b.String()
}
