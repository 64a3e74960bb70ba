package vaulttest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
)

// TokenReviewer answers TokenReviews as an API server does for the tokens that it issued. With it Vault's Kubernetes auth method
// runs for real, without a cluster.
type TokenReviewer struct {
	// URL is what Vault's Kubernetes auth method takes as kubernetes_host.
	URL string

	mu     sync.Mutex
	issued map[string]serviceAccount
}

type serviceAccount struct{ namespace, name, audience string }

func (s serviceAccount) uid() string { return "uid-of-" + s.namespace + "/" + s.name }

// StartTokenReviewer serves until the test ends.
func StartTokenReviewer(t testing.TB) *TokenReviewer {
	t.Helper()
	r := &TokenReviewer{issued: map[string]serviceAccount{}}
	server := httptest.NewServer(http.HandlerFunc(r.review))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// Token issues a projected ServiceAccount token. Only the reviewer vouches for it: its signature is random.
func (r *TokenReviewer) Token(t testing.TB, namespace, name, audience string) string {
	t.Helper()
	account := serviceAccount{namespace: namespace, name: name, audience: audience}
	claims, err := json.Marshal(map[string]any{
		"aud": []string{audience},
		"kubernetes.io": map[string]any{
			"namespace":      namespace,
			"serviceaccount": map[string]string{"name": name, "uid": account.uid()},
		},
	})
	if err != nil {
		t.Fatalf("make a token: %v", err)
	}
	signature := make([]byte, 64)
	_, _ = rand.Read(signature)
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode(claims) + "." + encode(signature)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issued[token] = account
	return token
}

func (r *TokenReviewer) review(w http.ResponseWriter, req *http.Request) {
	var review authenticationv1.TokenReview
	if err := json.NewDecoder(req.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	account, known := r.issued[review.Spec.Token]
	r.mu.Unlock()
	review.Status = authenticationv1.TokenReviewStatus{Authenticated: known}
	if known {
		review.Status.Audiences = []string{account.audience}
		review.Status.User = authenticationv1.UserInfo{
			Username: "system:serviceaccount:" + account.namespace + ":" + account.name,
			UID:      account.uid(),
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(review)
}
