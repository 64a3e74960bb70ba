package podsecurity_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/podsecurity"
)

func TestAPodThatMayRunAsRootIsKeptOut(t *testing.T) {
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: build.Pointer(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "main", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: build.Pointer(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}},
	}}
	require.NoError(t, podsecurity.Restricted(template))

	template.Spec.SecurityContext.RunAsNonRoot = nil
	require.ErrorContains(t, podsecurity.Restricted(template), "runAsNonRoot")
}
