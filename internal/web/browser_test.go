package web_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// browser is a headless Chromium with one tab, told what to do by its DevTools protocol over a pipe.
type browser struct {
	t       *testing.T
	to      io.Writer
	from    *bufio.Reader
	session string
	last    int
	faults  []string // what the page logged, and its uncaught exceptions
}

// browserLife is how long a browser may take for all that a test has it do.
const browserLife = 10 * time.Minute

// startBrowser skips the test where no Chromium is installed, except in CI, and where tests are to be short: a page looks the same whatever the
// processor that served it.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser, and pages look the same whatever the processor")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, _ = exec.LookPath(name); path != "" {
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium is installed; `make packages` installs it")
		}
		t.Skip("no Chromium is installed; with it this test looks at the page as a person does")
	}
	fromTest, to := pipe(t)
	from, toTest := pipe(t)
	home, err := os.MkdirTemp("", "browser") // not the test's, which must be empty in time
	if err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithTimeout(context.WithoutCancel(t.Context()), browserLife)
	cmd := exec.CommandContext(ctx, path, //nolint:gosec // one of the three names above
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--user-data-dir="+home)
	cmd.ExtraFiles = []*os.File{fromTest, toTest} // 3 and 4, as the flag wants them
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = fromTest.Close(), toTest.Close()
	_ = from.SetReadDeadline(time.Now().Add(browserLife))
	b := &browser{t: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		time.AfterFunc(5*time.Second, kill)
		b.session = "" // it is not a method of the tab
		b.send("Browser.close", nil)
		_, _ = io.Copy(io.Discard, b.from)
		_ = cmd.Wait() // it was told to end, one way or another
		kill()
		_ = os.RemoveAll(home)
	})
	var target struct{ TargetID string }
	b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.do(domain+".enable", nil, nil)
	}
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// message is one of the protocol's: a call, its answer, or an event.
type message struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    any             `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

// do calls a method and reads its result into result, if that is not nil.
func (b *browser) do(method string, params, result any) {
	b.t.Helper()
	if err := b.try(method, params, result); err != nil {
		b.t.Fatal(err)
	}
}

// try does so, and returns the error that the browser answers with.
func (b *browser) try(method string, params, result any) error {
	b.t.Helper()
	b.send(method, params)
	for {
		m := b.read(method)
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return nil
	}
}

func (b *browser) send(method string, params any) {
	b.t.Helper()
	b.last++
	call, err := json.Marshal(message{ID: b.last, SessionID: b.session, Method: method, Params: params})
	if err == nil {
		_, err = b.to.Write(append(call, 0))
	}
	if err != nil {
		b.t.Errorf("%s: %v", method, err)
	}
}

func (b *browser) read(method string) (m message) {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	switch m.Method {
	case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled":
		b.faults = append(b.faults, string(text))
	}
	return m
}

// open goes to a page and waits until it is loaded.
func (b *browser) open(url string) {
	b.t.Helper()
	b.do("Page.navigate", map[string]any{"url": url}, nil)
	b.eventually(fmt.Sprintf("location.href === %q && document.readyState === 'complete'", url))
}

// left is what the browser answers where the page was left before it had a value.
var left = regexp.MustCompile(`Inspected target navigated or closed|Execution context was destroyed|Cannot find (default execution )?context`)

// js evaluates an expression and returns its value; nil: the page was left meanwhile, as by a click on a link.
func (b *browser) js(expression string) any {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	err := b.try("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if err != nil && !left.MatchString(err.Error()) {
		b.t.Fatal(err)
	}
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	return r.Result.Value
}

// eventually waits until an expression is true.
func (b *browser) eventually(expression string) {
	b.t.Helper()
	wait.Until(b.t, time.Minute, 50*time.Millisecond, func() error {
		if b.js(expression) != true {
			return errors.New(expression)
		}
		return nil
	})
}

// press presses a key.
func (b *browser) press(key string, code int) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.do("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
	}
}

// prefer sets the colour scheme that the person likes.
func (b *browser) prefer(scheme string) {
	b.t.Helper()
	b.do("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
}

// screenshot writes a picture of the whole page into the folder that SCREENSHOTS names, if it names one.
func (b *browser) screenshot(name string) { b.t.Helper(); b.shoot(name, true) }

// screenshotInSight is screenshot of what is in sight without scrolling.
func (b *browser) screenshotInSight(name string) { b.t.Helper(); b.shoot(name, false) }

func (b *browser) shoot(name string, beyond bool) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.do("Page.captureScreenshot", map[string]any{"captureBeyondViewport": beyond}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
