// The words for a task's state.

package kie

import (
	"strings"
	"unicode"
)

// stateOf knows the API's words and those of gateways that are compatible with it, in every form in which they are written.
// Whatever is on its way to an end, as "cancelling", has not come to it.
func stateOf(word string) State {
	switch plainWord(word) {
	case "waiting":
		return StateWaiting
	case "queuing", "queueing", "queued", "queue", "inqueue", "enqueued", "pending", "wait",
		"submitted", "submitting", "scheduled", "accepted", "created", "notstarted":
		return StateQueuing
	case "generating", "processing", "running", "inprogress", "progress", "starting", "started", "working", "executing", "rendering",
		"active", "ongoing", "inflight":
		return StateGenerating
	case "success", "succeeded", "succeed", "successful", "succeeds", "completed", "complete", "done", "finished", "finish":
		return StateSuccess
	case "fail", "failed", "failure", "error", "errored",
		"cancelled", "canceled", "cancel", "aborted", "abort", "expired", "timeout", "timedout", "rejected", "terminated", "killed":
		return StateFail
	}
	return StateUnknown
}

// longestState is the most characters of a word for a state.
const longestState = 40

// plainWord returns a word in lower case without what is written between its parts; empty if it is too long to be one.
func plainWord(word string) string {
	if len(word) > 4*longestState {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, word)
}

// cleanWord makes an unknown word for a state fit to be logged. What does not look like a word may be anything, even a secret, and
// is not told.
func cleanWord(word string) string {
	word = strings.TrimSpace(word)
	if word == "" {
		return ""
	}
	strange := strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' && r != '-' && r != ' ' })
	if strange {
		return "(not a word)"
	}
	if runes := []rune(word); len(runes) > longestState {
		return string(runes[:longestState]) + "…"
	}
	return word
}
