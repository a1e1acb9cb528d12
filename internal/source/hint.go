// What a list says of a task's kind.

package source

import "strings"

// between separates model and variant in a hint. It is a symbol that prints, so a hint is a clean label, and one that no name has.
const between = "\u241f"

// Hint returns what is said of a task's model as one text, which goes where the model goes: with the variant behind it, if one is named, such as
// the length of a video. What the variant is nobody needs to know; tasks of the same one take about as long.
func Hint(model, variant string) string {
	if variant == "" {
		return model
	}
	return model + between + variant
}

// SplitHint returns model and variant of a hint.
func SplitHint(hint string) (model, variant string) {
	model, variant, _ = strings.Cut(hint, between)
	return model, variant
}
