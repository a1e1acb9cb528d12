package format

import (
	"path/filepath"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

func BenchmarkParseMillion(b *testing.B) {
	for _, bb := range []struct{ file, content string }{
		{"l.txt", lists.Numbered("%032x\n", million)},
		{"l.jsonl", lists.Numbered(`{"taskId":"%032x","model":"kling/v2"}`+"\n", million)},
		{"l.yml", "- tasks:\n" + lists.Numbered("  - %032x\n", million/10)}, // a longer one is refused
		{"l.json", `[{"tasks":[` + lists.Numbered("\"%032x\",\n", million) + `"last"]}]`},
	} {
		b.Run(filepath.Ext(bb.file), func(b *testing.B) {
			b.ReportAllocs()
			f, err := ByName(bb.file)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				n := 0
				h, err := found(b, f.parse, bb.content)
				each(h, func(string, parsed.Attrs) { n++ })
				if err != nil || n < million/10 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
