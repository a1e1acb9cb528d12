// What a callback says, and who says it.

package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The headers of a signed callback.
const (
	timestampHeader = "X-Webhook-Timestamp" // Unix seconds
	signatureHeader = "X-Webhook-Signature" // base64 of the HMAC-SHA256 of the task's id, a dot and the timestamp
)

// signature is what a callback claims to be signed with, and when.
type signature struct {
	timestamp string
	mac       []byte
}

// readSignature returns the signature, and Accepted if it may be right.
func readSignature(h http.Header, now time.Time) (signature, Result) {
	timestamps, macs := h.Values(timestampHeader), h.Values(signatureHeader)
	if len(timestamps) != 1 || len(macs) != 1 {
		return signature{}, Unsigned
	}
	seconds, err := strconv.ParseInt(timestamps[0], 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamps[0] {
		return signature{}, Unsigned
	}
	mac, err := base64.StdEncoding.Strict().DecodeString(macs[0])
	if err != nil || len(mac) != sha256.Size {
		return signature{}, Unsigned
	}
	if off := now.Unix() - seconds; off > int64(window.Seconds()) || off < -int64(window.Seconds()) {
		return signature{}, Stale
	}
	return signature{timestamps[0], mac}, Accepted
}

// isBy reports whether one of the keys signed a task's id. All are tried, in the same time whatever the signature is.
func (s signature) isBy(keys []string, id string) bool {
	signed := false
	for _, key := range keys {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(id + "." + s.timestamp))
		if hmac.Equal(mac.Sum(nil), s.mac) {
			signed = true
		}
	}
	return signed
}

// ids are the strings that one key of an object has; JSON allows several.
type ids []string

// UnmarshalJSON implements json.Unmarshaler.
func (i *ids) UnmarshalJSON(text []byte) error {
	var id *string
	if err := json.Unmarshal(text, &id); err != nil {
		return err
	}
	if id != nil {
		*i = append(*i, *id)
	}
	return nil
}

// taskID returns the id that a callback's body is about, and whether the task goes on; false if it names none, or several. Some name it
// beside the data.
func taskID(body []byte) (id string, progress, ok bool) {
	type named struct {
		ID  ids `json:"taskId"`
		Old ids `json:"task_id"` // of older callbacks
	}
	var callback struct {
		named
		Data struct {
			named
			Kind any `json:"callbackType"` // of Suno's: text, first, and then complete or error
		} `json:"data"`
	}
	if json.Unmarshal(body, &callback) != nil {
		return "", false, false
	}
	data := &callback.Data
	all := slices.Concat(data.ID, data.Old, callback.ID, callback.Old)
	if len(all) == 0 || slices.ContainsFunc(all, func(id string) bool { return id != all[0] }) {
		return "", false, false
	}
	return all[0], data.Kind == "text" || data.Kind == "first", true
}
