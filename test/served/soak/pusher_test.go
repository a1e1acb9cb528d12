// The program that pushes a group's ids, and repeats what was not answered.

package soak_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// pushedGroup is the group whose ids are pushed.
const pushedGroup = "till"

// push is what becomes of an id that is pushed.
type push string

const (
	plainly push = "pushed"
	hinted  push = "pushed after its callback"
	guessed push = "pushed with a wrong token first"
	again   push = "pushed again, for want of an answer"

	forgotten push = "deleted, and not known any more"
)

// pusher pushes ids. It is safe for concurrent use.
type pusher struct {
	w *world

	mu     sync.Mutex
	random *rand.Rand
	became map[push]int
}

func (p *pusher) draw() push {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []push{plainly, plainly, hinted, guessed}[p.random.IntN(4)]
}

func (p *pusher) note(what push) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.became[what]++
}

// deliver pushes a task until that is answered with 200, also when ctx has ended. From then on it counts as listed: no kill may lose it.
func (p *pusher) deliver(ctx context.Context, l *list, f *fact) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	what := p.draw()
	p.note(what)
	if what == hinted {
		p.w.caller.send(ctx, f, hookKey(), http.StatusAccepted)
	}
	if what == guessed {
		if status, _ := p.send(ctx, f, "another token"); status != 0 {
			p.w.verdict.check(pushesKept, status == http.StatusUnauthorized, "a push with a wrong token: status %d", status)
		}
	}
	for ctx.Err() == nil {
		status, answer := p.send(ctx, f, pushToken())
		switch status {
		case http.StatusOK:
			p.w.verdict.check(pushesKept, strings.Contains(answer, `"rejected":[]`), "the push of %s: %s", f.id, answer)
			l.add(f.id)
			return
		case 0, http.StatusServiceUnavailable: // it starts, or ends
		default:
			p.w.verdict.check(pushesKept, false, "the push of %s: status %d, %s", f.id, status, answer)
			return
		}
		p.note(again)
		p.w.pause(ctx, 200*time.Millisecond)
	}
	p.w.verdict.check(pushesKept, false, "%s can't be pushed for %v", f.id, patience)
}

// forget deletes ids of the list that are known for good to have finished, until ctx ends. When that was answered they are listed no more.
func (w *world) forget(ctx context.Context, l *list) {
	for ctx.Err() == nil {
		w.pause(ctx, time.Second)
		for _, id := range l.all() {
			f, _ := w.book.fact(id)
			if !w.known(id) || ctx.Err() != nil {
				continue
			}
			status, answer := w.pusher.sendBy(ctx, http.MethodDelete, f, pushToken())
			if status == http.StatusOK {
				w.verdict.check(pushesKept, strings.Contains(answer, `"forgotten":1`), "the push of %s was answered, and it can't be deleted: %s", id, answer)
				w.pusher.note(forgotten)
				l.drop(id)
			}
			break
		}
	}
}

// send pushes a task to the process that runs now. The status is 0 if there is none, or no answer.
func (p *pusher) send(ctx context.Context, f *fact, token string) (status int, answer string) {
	return p.sendBy(ctx, http.MethodPost, f, token)
}

// sendBy pushes or deletes a task.
func (p *pusher) sendBy(ctx context.Context, method string, f *fact, token string) (status int, answer string) {
	at := p.w.current()
	if at == nil || at.isEnding() {
		return 0, ""
	}
	body := strings.NewReader(fmt.Sprintf(`{"taskId":%q}`, f.id))
	req, err := http.NewRequestWithContext(ctx, method, at.base+"/api/v1/groups/"+f.group+"/tasks", body)
	if err != nil {
		p.w.verdict.check(everythingDone, false, "push: %v", err)
		return 0, ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.w.verdict.check(pushesKept, at.isEnding() || ctx.Err() != nil, "the push of %s has no answer: %v", f.id, err)
		return 0, ""
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	text := string(content)
	secret := findSecret(text)
	p.w.verdict.check(nothingSecret, secret == "", "the answer to a push says %q", secret)
	return resp.StatusCode, text
}

// pushToken returns the token that opens pushes.
func pushToken() string { return keyOf("push") }

// counts returns how often each thing became of an id.
func (p *pusher) counts() map[push]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.became)
}
