package controllers_test

import (
	"context"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// location declares one in a server's bucket "backups".
func (in *installation) location(t *testing.T, name string, s *s3test.Server, change ...func(*v1alpha1.CRMBackupLocation)) *v1alpha1.CRMBackupLocation {
	t.Helper()
	l := &v1alpha1.CRMBackupLocation{Spec: v1alpha1.CRMBackupLocationSpec{
		Endpoint: s.Endpoint, CIDR: "127.0.0.1/32", CABundle: s.CABundle, Region: s3test.Region, Bucket: "backups",
		CredentialsPath: v1alpha1.VaultPath("locations/" + name),
	}}
	l.Name = name
	for _, c := range change {
		c(l)
	}
	in.create(t, l)
	t.Cleanup(func() { require.NoError(t, client.IgnoreNotFound(in.Delete(context.Background(), l))) })
	return l
}

// writeCredentials does what the administrator of Vault does.
func (in *installation) writeCredentials(t *testing.T, path string, data map[string]any) {
	t.Helper()
	kv := target.VaultSettings(in.settings).KVMount()
	_, err := in.vault.Root(t).KVv2(kv).Put(t.Context(), path, data, api.WithCheckAndSet(0))
	require.NoError(t, err)
}

func (in *installation) locationComesTo(t *testing.T, l *v1alpha1.CRMBackupLocation, want string) {
	t.Helper()
	in.until(t, "location "+l.Name+" comes to "+want, func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(l), l); err != nil {
			return err
		}
		return statuscheck.Is(l.Generation, l.Status.ObservedGeneration, l.Status.Conditions, want)
	})
}

func whole(s *s3test.Server) map[string]any {
	return map[string]any{"accessKeyID": s.AccessKeyID, "secretAccessKey": s.SecretAccessKey}
}

func locationIsTriedOut(t *testing.T, in *installation) {
	s := s3test.Start(t, "backups")
	in.writeCredentials(t, "locations/good", whole(s))
	l := in.location(t, "good", s, func(l *v1alpha1.CRMBackupLocation) { l.Spec.Prefix = "crm/keep" })

	in.locationComesTo(t, l, "True Succeeded")
	assert.NotNil(t, l.Status.LastChecked)
	for object := range s.Client(t).ListObjects(t.Context(), "backups", minio.ListObjectsOptions{Recursive: true}) {
		t.Errorf("%s is left, %v", object.Key, object.Err)
	}
}

func locationSaysWhatIsWrong(t *testing.T, in *installation) {
	s, other := s3test.Start(t, "backups"), s3test.Start(t)
	for name, c := range map[string]struct {
		credentials map[string]any
		change      func(*v1alpha1.CRMBackupLocation)
		want        string
	}{
		"no-bucket":      {whole(s), func(l *v1alpha1.CRMBackupLocation) { l.Spec.Bucket = "missing" }, "Reconciling BucketMissing"},
		"no-credentials": {nil, nil, "Reconciling CredentialsMissing"},
		"half-a-pair":    {map[string]any{"accessKeyID": s.AccessKeyID}, nil, "Reconciling CredentialsMissing"},
		"wrong-key": {
			map[string]any{"accessKeyID": s.AccessKeyID, "secretAccessKey": "hunter2hunter2"}, nil, "Reconciling AccessDenied"},
		"other-ca":     {whole(s), func(l *v1alpha1.CRMBackupLocation) { l.Spec.CABundle = other.CABundle }, "Reconciling CertificateUntrusted"},
		"system-roots": {whole(s), func(l *v1alpha1.CRMBackupLocation) { l.Spec.CABundle = "" }, "Reconciling CertificateUntrusted"},
		"nobody":       {whole(s), func(l *v1alpha1.CRMBackupLocation) { l.Spec.Endpoint = "https://127.0.0.1:1" }, "Reconciling Unreachable"},
		"other-region": {whole(s), func(l *v1alpha1.CRMBackupLocation) { l.Spec.Region = "eu-west-1" }, "Reconciling RegionMismatch"},
		"no-lock": {whole(s), func(l *v1alpha1.CRMBackupLocation) {
			l.Spec.ObjectLock = &v1alpha1.ObjectLock{Mode: "Compliance", Days: 30}
		}, "Reconciling ObjectLockMissing"},
		"no-ca": {whole(s), func(l *v1alpha1.CRMBackupLocation) { l.Spec.CABundle = "hunter2" }, "Stalled Invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.credentials != nil {
				in.writeCredentials(t, "locations/"+name, c.credentials)
			}
			var change []func(*v1alpha1.CRMBackupLocation)
			if c.change != nil {
				change = append(change, c.change)
			}
			l := in.location(t, name, s, change...)
			in.locationComesTo(t, l, c.want)
			assert.Nil(t, l.Status.LastChecked)
			said := meta.FindStatusCondition(l.Status.Conditions, v1alpha1.ConditionReady).Message
			assert.NotEmpty(t, said)
			for _, secret := range []string{s.SecretAccessKey, "hunter2"} {
				assert.NotContains(t, said, secret)
			}
		})
	}
}

func locationRecoversByItself(t *testing.T, in *installation) {
	s := s3test.Start(t)
	l := in.location(t, "recovers", s)
	in.locationComesTo(t, l, "Reconciling CredentialsMissing")

	in.writeCredentials(t, "locations/recovers", whole(s))
	in.locationComesTo(t, l, "Reconciling BucketMissing")
	require.NoError(t, s.Client(t).MakeBucket(t.Context(), "backups", minio.MakeBucketOptions{Region: s3test.Region}))
	in.locationComesTo(t, l, "True Succeeded")
	checked := l.Status.LastChecked

	s.Stop(t)
	// A location that was good is looked at again in some minutes; an edit brings that forward.
	edit(t, in, l, func(l *v1alpha1.CRMBackupLocation) { l.Spec.CIDR = "127.0.0.0/8" })
	in.locationComesTo(t, l, "Reconciling Unreachable")
	assert.Equal(t, checked, l.Status.LastChecked, "it tells how long ago the location was good")
	s.Run(t)
	in.locationComesTo(t, l, "True Succeeded")
}
