// What the code and the message of a failed task mean together.

package kie

import "strings"

// longestMessage is how many bytes of a failure's text are looked at.
const longestMessage = 4 << 10

// reasonOf returns the reason of a failure with a code fit to be a label, which may have been a longer word. One code means many
// things, so the message decides where it is known.
func reasonOf(code, word, message string) Reason {
	word, message = strings.TrimSpace(word), strings.TrimSpace(message)
	if r := reasonOfMessage(message); r != ReasonNone {
		return r
	}
	if r := reasonOfMessage(word); r != ReasonNone {
		return r
	}
	if code == "" && message == "" {
		return ReasonNone
	}
	return reasonOfCode(code)
}

// reasonOfMessage returns ReasonNone for a message that is not known.
func reasonOfMessage(message string) Reason {
	message = message[:min(len(message), longestMessage)]
	moderated := saysModeration(message)
	message = strings.ToLower(message)
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(message, w) {
				return true
			}
		}
		return false
	}
	switch {
	case says("the parameters") && says("not valid"):
		return ReasonBadRequest // before the others: it lists parameters by name, and one may be called safety or timeout
	case moderated:
		return ReasonContentPolicy
	case says("timed out", "timeout"):
		return ReasonTimeout
	case says("task id is blank", "generate playground failed"):
		return ReasonUpstream
	case saysNoCredits(message):
		return ReasonCredits
	case says("internal error"):
		return ReasonServer
	case says("not valid"):
		return ReasonBadRequest
	}
	return ReasonNone
}

// reasonOfCode returns ReasonOther for a code that is not known.
func reasonOfCode(code string) Reason {
	switch code {
	case "400", "422":
		return ReasonBadRequest
	case "402":
		return ReasonCredits
	case "408":
		return ReasonTimeout
	case "SENSITIVE_WORD_ERROR":
		return ReasonContentPolicy
	case "501", "GENERATION_FAILED", "CREATE_TASK_FAILED", "GENERATE_FAILED", "GENERATE_AUDIO_FAILED", "GENERATE_LYRICS_FAILED",
		"GENERATE_WAV_FAILED", "GENERATE_MP4_FAILED":
		return ReasonUpstream
	case "500", "502", "503", "504", "550":
		return ReasonServer
	}
	return ReasonOther
}
