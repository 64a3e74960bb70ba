package controllers

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

const (
	// progressEvery is how often a run is asked how far it is.
	progressEvery = 10 * time.Second
	// progressTimeout is how long it may take to answer, and progressLimit how much it may say.
	progressTimeout = 2 * time.Second
	progressLimit   = 4 << 10
)

// Progress asks runs how far they are.
type Progress struct {
	client *http.Client
}

// NewProgress makes one. It follows nobody: what answers runs in a tenant's namespace, and could send the manager anywhere.
func NewProgress() *Progress {
	return &Progress{client: &http.Client{
		Timeout:       progressTimeout,
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: progressTimeout}).DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Of the run whose pod has the address. It is nil when the pod does not answer, or not as it should: a backup is not worse for that.
func (p *Progress) Of(ctx context.Context, address string) *result.Progress {
	if net.ParseIP(address) == nil {
		return nil
	}
	progress, err := p.ask(ctx, "http://"+net.JoinHostPort(address, strconv.Itoa(config.ProgressPort))+"/progress")
	if err != nil {
		return nil
	}
	return &progress
}

func (p *Progress) ask(ctx context.Context, url string) (result.Progress, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return result.Progress{}, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return result.Progress{}, err
	}
	defer response.Body.Close() //nolint:errcheck // it is only read
	if response.StatusCode != http.StatusOK {
		return result.Progress{}, errors.New("the answer is " + response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, progressLimit))
	if err != nil {
		return result.Progress{}, err
	}
	return result.ParseProgress(body)
}
