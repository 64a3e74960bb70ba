package controllers

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const (
	// verifyEvery is how often an environment's part of Vault is read again when nothing else calls for it.
	verifyEvery = 10 * time.Minute
	// trustFor is how long a part that was seen to hold is not read again: an environment's start brings many passes, which take
	// minutes when hundreds start at once. Nothing in the cluster tells of a change in Vault, so looking sooner would be by chance.
	trustFor = 5 * time.Minute
)

// Vault is what the controllers ask of Vault.
type Vault interface {
	Observe(ctx context.Context, want layout.Layout) (vault.State, error)
	ObserveKeys(ctx context.Context, want layout.Layout) (vault.State, error)
	Apply(ctx context.Context, want layout.Layout, have vault.State) (changed bool, err error)
	RewrapDataKey(ctx context.Context, of layout.Layout, have vault.State) error
	AccessVault
	Remove(ctx context.Context, gone layout.Layout) error
	Shred(ctx context.Context, gone layout.Layout) error
	DestroyEvidence(ctx context.Context, gone layout.Layout) error
	Signer
	Read(ctx context.Context, path string) (map[string]any, error)
}

// Keys keeps environments' parts of Vault as planned.
type Keys struct {
	Vault Vault

	mu   sync.Mutex
	held map[string]held
}

// held is what was seen to hold, and when.
type held struct {
	declared string
	at       time.Time
	status   v1alpha1.EncryptionStatus
}

// Bring makes Vault as planned and returns the state of the keys. What the environment has had is never made anew.
func (k *Keys) Bring(ctx context.Context, want layout.Layout, had hadKeys) (*v1alpha1.EncryptionStatus, error) {
	declared, err := json.Marshal(want)
	if err != nil {
		return nil, err
	}
	name, digest := want.EncryptionKey.Name, naming.Hash(string(declared))
	if h, ok := k.recall(name); ok && h.declared == digest && time.Since(h.at) < trustFor {
		return &h.status, nil
	}
	have, err := k.Vault.Observe(ctx, want)
	if err == nil {
		err = had.lost(want, have)
	}
	if err != nil {
		return nil, err
	}
	changed, err := k.Vault.Apply(ctx, want, have)
	if err != nil {
		return nil, err
	}
	if changed || stale(have) {
		if have, err = k.refresh(ctx, want); err != nil {
			return nil, err
		}
	}
	s := encryption(have)
	k.remember(name, held{declared: digest, at: time.Now(), status: s})
	return &s, nil
}

// stale tells whether the data key is wrapped by an older version of the environment's key.
func stale(have vault.State) bool {
	return have.DataKey != nil && have.EncryptionKey != nil && have.DataKey.KeyVersion < have.EncryptionKey.LatestVersion
}

// refresh reads the keys again, and has Vault wrap the data key anew after a rotation. The data key itself stays the same.
func (k *Keys) refresh(ctx context.Context, want layout.Layout) (vault.State, error) {
	have, err := k.Vault.ObserveKeys(ctx, want)
	if err != nil || !stale(have) {
		return have, err
	}
	if err := k.Vault.RewrapDataKey(ctx, want, have); err != nil {
		return have, err
	}
	return k.Vault.ObserveKeys(ctx, want)
}

// Interval until the next verification, spread so that a thousand environments do not come at once.
func (k *Keys) Interval() time.Duration {
	return verifyEvery + rand.N(verifyEvery/5) //nolint:gosec // jitter
}

// Forget makes the next Bring read again.
func (k *Keys) Forget(gone layout.Layout) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, gone.EncryptionKey.Name)
}

func (k *Keys) recall(name string) (held, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h, ok := k.held[name]
	return h, ok
}

func (k *Keys) remember(name string, h held) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = make(map[string]held)
	}
	k.held[name] = h
}

func encryption(have vault.State) v1alpha1.EncryptionStatus {
	var s v1alpha1.EncryptionStatus
	if key := have.EncryptionKey; key != nil {
		s.KeyVersion, s.MinDecryptionVersion = key.LatestVersion, key.MinDecryptionVersion
		if at := key.LastRotation(); !at.IsZero() {
			rotated := metav1.NewTime(at)
			s.LastRotation = &rotated
		}
	}
	if key := have.EncryptionKey; key != nil && !key.Created().IsZero() {
		created := metav1.NewTime(key.Created())
		s.KeyCreated = &created
	}
	if have.DataKey != nil {
		s.DataKeyVersion = have.DataKey.KeyVersion
	}
	return s
}
