// A list by HTTP, from a server that misbehaves at random.

package soak_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// listServer serves a list. What it serves whole is always up to date.
type listServer struct {
	list  *list
	known func(id string) bool // finished, so that it may be retired

	mu     sync.Mutex
	random *rand.Rand
	share  float64 // of the answers that go wrong
	served map[string]int
}

// serveList starts a server for a list and writes down its URL there.
func serveList(t *testing.T, l *list, known func(id string) bool, random *rand.Rand) *listServer {
	t.Helper()
	s := &listServer{list: l, known: known, random: random, share: 0.4, served: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	l.url = server.URL + "/tasks?token=" + keyOf("list")
	return s
}

// behave ends all misbehaviour.
func (s *listServer) behave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.share = 0
}

// manner decides how the next request is answered.
func (s *listServer) manner() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	manner := "whole"
	if s.random.Float64() < s.share {
		manners := []string{"slow", "status 500", "redirect", "HTML", "garbage", "half of it", "cut off"}
		manner = manners[s.random.IntN(len(manners))]
	}
	return manner
}

// note counts an answer.
func (s *listServer) note(manner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served[manner]++
}

// ServeHTTP implements http.Handler.
func (s *listServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	manner := s.manner()
	defer func() { s.note(manner) }()
	if manner == "slow" {
		time.Sleep(time.Second)
	}
	body := s.content()
	tag := etag(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", tag)
	switch manner {
	case "status 500":
		http.Error(w, keyOf("list"), http.StatusInternalServerError)
	case "redirect":
		http.Redirect(w, r, "/elsewhere?"+keyOf("list"), http.StatusFound)
	case "HTML":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>" + keyOf("list")))
	case "garbage":
		_, _ = w.Write([]byte("\x00\xff{" + keyOf("list")))
	case "half of it":
		_, _ = w.Write(body[:len(body)/2])
	case "cut off":
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
	default:
		if r.Header.Get("If-None-Match") == tag {
			manner = "not modified"
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(body)
	}
}

// content returns the list as it is now, less what may be retired.
func (s *listServer) content() []byte {
	s.list.retire(s.known)
	type entry struct {
		Tasks  []string          `json:"tasks"`
		Labels map[string]string `json:"labels"`
	}
	text, err := json.Marshal([]entry{{Tasks: s.list.all(), Labels: map[string]string{"team": "web"}}})
	if err != nil {
		panic(err) // strings can be encoded
	}
	return text
}

func etag(body []byte) string {
	sum := fnv.New64a()
	_, _ = sum.Write(body)
	return fmt.Sprintf("%q", strconv.FormatUint(sum.Sum64(), 16))
}

// counts returns how often each manner of answer was given.
func (s *listServer) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.served)
}
