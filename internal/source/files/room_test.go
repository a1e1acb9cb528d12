package files

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheLastLinesOfAContentBeginWhereSoManyFollow(t *testing.T) {
	long := strings.Repeat("x", 100) + "\n"
	for _, tt := range []struct {
		content string
		most    int
		rest    string
		lines   int
	}{
		{"", 3, "", 0},
		{"a\nb\nc\n", 0, "", 0},
		{"a\nb\nc\n", 1, "c\n", 1},
		{"a\nb\nc", 1, "c", 1},
		{"a\nb\nc\n", 2, "b\nc\n", 2},
		{"a\nb\nc\n", 3, "a\nb\nc\n", 3},
		{"a\nb\nc\n", 9, "a\nb\nc\n", 3},
		{"\n\n\n", 2, "\n\n", 2},
		{strings.Repeat(long, 30_000), 25_000, strings.Repeat(long, 25_000), 25_000}, // over 1 MiB
		{strings.Repeat(long, 30_000) + strings.Repeat("y", 3<<20), 1, strings.Repeat("y", 3<<20), 1},
	} {
		t.Run(fmt.Sprintf("%.9q %d", tt.content, tt.most), func(t *testing.T) {
			at, lines, err := lastLines(t.Context(), strings.NewReader(tt.content), int64(len(tt.content)), tt.most)
			if err != nil || tt.content[at:] != tt.rest || lines != tt.lines {
				t.Errorf("%d lines from %d of %d on, %v; want %d", lines, at, len(tt.content), err, tt.lines)
			}
		})
	}
}

func TestALongContentWithRoomForAllItsLinesIsNotCounted(t *testing.T) {
	const lines = 100_000
	content := strings.Repeat(strings.Repeat("x", 99)+"\n", lines)
	for most, want := range map[int]bool{lines / 2: false, lines: false, lines + lines/100: true, 2 * lines: true} {
		if got := hasFewLines(strings.NewReader(content), int64(len(content)), most); got != want {
			t.Errorf("no more than %d: %t, want %t", most, got, want)
		}
	}
	if hasFewLines(strings.NewReader("a\nb\n"), 4, 1000) {
		t.Error("a short one is not counted, either")
	}
}
