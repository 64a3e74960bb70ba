package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CRMClass says how one CRM product runs, so that any application on PostgreSQL can be kept by YAML alone.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,path=crmclasses,shortName=crmcls,categories=crm
// +kubebuilder:printcolumn:name="Product",type=string,JSONPath=`.spec.displayName`
// +kubebuilder:printcolumn:name="Default",type=string,JSONPath=`.spec.defaultVersion`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",message="metadata.name: at most 63 characters and no dots"
type CRMClass struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec says how the product runs.
	// +required
	Spec CRMClassSpec `json:"spec,omitzero"`
	// status is what was seen.
	// +optional
	Status CRMClassStatus `json:"status,omitzero"`
}

// CRMClassSpec says how a product runs. In templates "${name}" stands for a binding's value; the reference lists the bindings.
// +kubebuilder:validation:XValidation:rule="self.versions.exists(v, v.name == self.defaultVersion)",message="defaultVersion: must be the name of one of versions"
// +kubebuilder:validation:XValidation:rule="self.components.filter(c, c.type == 'Web').size() == 1",message="components: exactly one must have type Web; it is the one that people open"
// +kubebuilder:validation:XValidation:rule="self.components.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, has(self.volumes) && self.volumes.exists(v, v.name == m.name)))",message="components.volumeMounts: each name must be the name of one of volumes"
// +kubebuilder:validation:XValidation:rule="self.versions.all(v, !has(v.upgradesFrom) || v.upgradesFrom.all(u, u != v.name && self.versions.exists(o, o.name == u)))",message="versions.upgradesFrom: must be the names of other versions"
// +kubebuilder:validation:XValidation:rule="self.sizes.all(s, !has(s.components) || s.components.all(c, self.components.exists(o, o.name == c.name)))",message="sizes.components: each name must be the name of one of components"
// +kubebuilder:validation:XValidation:rule="self.sizes.all(s, !has(s.volumes) || s.volumes.all(v, has(self.volumes) && self.volumes.exists(o, o.name == v.name)))",message="sizes.volumes: each name must be the name of one of volumes"
type CRMClassSpec struct {
	// displayName of the product.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	DisplayName string `json:"displayName"`
	// versions that environments can run, oldest first.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Versions []ClassVersion `json:"versions"`
	// defaultVersion is what an environment gets that names none, when it is made. It stays at that version until it names another.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	DefaultVersion string `json:"defaultVersion"`
	// user is the user and group id of every container. The product's image must work as it. Default: 65532.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	User *int64 `json:"user,omitempty"`
	// database that the product needs.
	// +required
	Database ClassDatabase `json:"database,omitzero"`
	// dataKey says what the product does with the environment's data key. Unset: it gets none.
	// +optional
	DataKey *ClassDataKey `json:"dataKey,omitempty"`
	// components are the programs that run.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Components []ClassComponent `json:"components"`
	// volumes keep files. What is not on a volume or in the database is lost when a pod ends.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	Volumes []ClassVolume `json:"volumes,omitempty"`
	// files are rendered into memory, in a folder that the binding files.dir names, for every component and the migration.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Files []ClassFile `json:"files,omitempty"`
	// env is the environment of every component and the migration. It never stands in a pod spec.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []ClassEnvVar `json:"env,omitempty"`
	// writablePaths are folders of the image that the product writes to and nobody needs to keep.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=2
	// +kubebuilder:validation:items:MaxLength=200
	// +kubebuilder:validation:items:Pattern=`^/[A-Za-z0-9._/-]+$`
	// +kubebuilder:validation:XValidation:rule="self.all(p, !p.startsWith('/run/crmkeep') && !p.contains('..'))",message="cannot be below /run/crmkeep, which is the agent's, or contain \"..\""
	WritablePaths []string `json:"writablePaths,omitempty"`
	// migration takes an empty or older database to a version and makes the first administrator. It must be safe to run again.
	// +required
	Migration ClassMigration `json:"migration,omitzero"`
	// admin is the first administrator.
	// +optional
	Admin *ClassAdmin `json:"admin,omitempty"`
	// sizes that environments can have.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Sizes []ClassSize `json:"sizes"`
	// checks prove that an environment works: after a restore and on demand.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Checks []ClassCheck `json:"checks,omitempty"`
	// neutralise makes a copy unable to send anything, and lets nobody log in but the administrator and ${source.keepLogins}. It runs after the
	// migration, in the same pod, before anything else does, and must be safe to run again. Unset: environments of the class cannot be
	// copied, except for Production.
	// +optional
	Neutralise *ClassCommand `json:"neutralise,omitempty"`
	// objects is the catalogue in which role policies speak.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Objects []ClassObject `json:"objects,omitempty"`
	// adapter is the name of the program part that puts role policies into the product. Unset: roles cannot be enforced in it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9-]*$`
	Adapter string `json:"adapter,omitempty"`
}

// ClassVersion is one version of a product.
type ClassVersion struct {
	// name of the version, as the product calls it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`
	Name string `json:"name"`
	// image of the version. Pin it by digest.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9._:/@-]*$`
	Image string `json:"image"`
	// upgradesFrom are the versions that can be migrated to this one. Unset: every version listed before it.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	UpgradesFrom []string `json:"upgradesFrom,omitempty"`
}

// ClassDatabase is the database that a product needs.
type ClassDatabase struct {
	// engine of the database.
	// +required
	// +kubebuilder:validation:Enum=PostgreSQL
	Engine string `json:"engine"`
	// name of the database. Its owner has the same name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['postgres', 'template0', 'template1', 'crmkeep', 'backup']) && !self.startsWith('pg_')",message="is reserved; choose another name"
	Name string `json:"name"`
	// extensions that must be in the database.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	// +kubebuilder:validation:items:Pattern=`^[a-z][a-z0-9_-]*$`
	Extensions []string `json:"extensions,omitempty"`
}

// ClassDataKey says what a product does with its data key.
type ClassDataKey struct {
	// rotation says whether the product can take a new data key: Restart, with the next start, or Unsupported.
	// +required
	// +kubebuilder:validation:Enum=Restart;Unsupported
	Rotation string `json:"rotation"`
}

// ComponentType says how a component runs.
// +kubebuilder:validation:Enum=Web;Worker;Scheduled
type ComponentType string

// Component types.
const (
	// ComponentWeb answers people's requests on a port.
	ComponentWeb ComponentType = "Web"
	// ComponentWorker runs all the time and answers nobody.
	ComponentWorker ComponentType = "Worker"
	// ComponentScheduled runs now and then and ends.
	ComponentScheduled ComponentType = "Scheduled"
)

// ClassComponent is a program of a product.
// +kubebuilder:validation:XValidation:rule="(self.type == 'Web') == has(self.port)",message="port: needed for type Web, and for no other"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Scheduled') == has(self.schedule)",message="schedule: needed for type Scheduled, and for no other"
// +kubebuilder:validation:XValidation:rule="self.type == 'Web' || (!has(self.readiness) && !has(self.liveness))",message="readiness, liveness: for type Web only"
type ClassComponent struct {
	// name of the component.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['database', 'migrate', 'backup', 'restore', 'check', 'gateway', 'agent', 'pull']) && !self.contains('--')",message="is reserved or contains \"--\"; choose another name"
	Name string `json:"name"`
	// type says how the component runs.
	// +required
	Type ComponentType `json:"type"`
	// command to run. It may use bindings that are not secret.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1000
	Command []string `json:"command"`
	// port on localhost that a Web component listens on. It must not listen on any other address.
	// +optional
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [5432, 8443, 8444])",message="5432, 8443 and 8444 are the agent's; choose another port"
	Port *int32 `json:"port,omitempty"`
	// schedule of a Scheduled component, in UTC.
	// +optional
	Schedule CronExpression `json:"schedule,omitempty"`
	// readiness is asked before people are let in. Default: the port takes connections.
	// +optional
	Readiness *HTTPCheck `json:"readiness,omitempty"`
	// liveness restarts the component when it fails for a minute. Default: none.
	// +optional
	Liveness *HTTPCheck `json:"liveness,omitempty"`
	// stopSignal that ends the program cleanly. Default: SIGTERM.
	// +optional
	// +kubebuilder:validation:Enum=SIGTERM;SIGINT;SIGQUIT;SIGHUP
	StopSignal string `json:"stopSignal,omitempty"`
	// stopSeconds is how long the program may take to end. Default: 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	StopSeconds *int64 `json:"stopSeconds,omitempty"`
	// volumeMounts of the component.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	VolumeMounts []ClassVolumeMount `json:"volumeMounts,omitempty"`
}

// HTTPCheck is a request to the application on localhost.
type HTTPCheck struct {
	// method of the request. Default: GET.
	// +optional
	// +kubebuilder:validation:Enum=GET;HEAD;POST
	Method string `json:"method,omitempty"`
	// path of the request. It may use bindings that are not secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=500
	// +kubebuilder:validation:Pattern=`^/`
	Path string `json:"path"`
	// contentType of the body.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	ContentType string `json:"contentType,omitempty"`
	// body of the request. It may use bindings that are not secret.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4000
	Body string `json:"body,omitempty"`
	// status that counts as good. Default: any from 200 to 399.
	// +optional
	// +kubebuilder:validation:Minimum=100
	// +kubebuilder:validation:Maximum=599
	Status *int32 `json:"status,omitempty"`
	// contains must occur in the answer.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=500
	Contains string `json:"contains,omitempty"`
}

// ClassVolumeMount puts a volume into a component.
type ClassVolumeMount struct {
	// name of the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	Name string `json:"name"`
	// mountPath in the container.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9._/-]+$`
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/run/crmkeep')",message="/run/crmkeep is the agent's; choose another path"
	// +kubebuilder:validation:XValidation:rule="!self.contains('..')",message="cannot contain \"..\""
	MountPath string `json:"mountPath"`
}

// ClassVolume keeps files of a product. Its size is part of a size.
type ClassVolume struct {
	// name of the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]*[a-z0-9])?$`
	Name string `json:"name"`
	// accessMode of the claim. ReadWriteOnce keeps every component that mounts it at one replica.
	// +required
	// +kubebuilder:validation:Enum=ReadWriteOnce;ReadWriteMany
	AccessMode string `json:"accessMode"`
}

// ClassFile is a file that the agent renders.
type ClassFile struct {
	// name of the file in the folder that the binding files.dir names.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=60
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_][A-Za-z0-9._-]*$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['tls.crt', 'tls.key', 'ca.crt'])",message="is the agent's; choose another name"
	Name string `json:"name"`
	// template of the content.
	// +required
	// +kubebuilder:validation:MaxLength=20000
	Template string `json:"template"`
	// audience says who gets the file. Default: All. A file with ${admin.password} is for Migration only.
	// +optional
	// +kubebuilder:validation:Enum=All;Migration
	Audience string `json:"audience,omitempty"`
}

// ClassEnvVar is an environment variable that the agent renders.
type ClassEnvVar struct {
	// name of the variable.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	Name string `json:"name"`
	// template of the value.
	// +required
	// +kubebuilder:validation:MaxLength=4000
	Template string `json:"template"`
	// audience says who gets the variable. Default: All.
	// +optional
	// +kubebuilder:validation:Enum=All;Migration
	Audience string `json:"audience,omitempty"`
}

// ClassMigration takes a database to a version.
type ClassMigration struct {
	// command to run in the image of the new version. It may use bindings that are not secret.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=4000
	Command []string `json:"command"`
	// timeoutSeconds of one attempt. Default: 3600.
	// +optional
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=86400
	TimeoutSeconds *int64 `json:"timeoutSeconds,omitempty"`
}

// ClassCommand is a command in the product's image.
type ClassCommand struct {
	// command to run. It may use bindings that are not secret.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=4000
	Command []string `json:"command"`
}

// ClassAdmin is the first administrator of an environment. The password is made in the migration's pod and kept in Vault.
type ClassAdmin struct {
	// login of the administrator.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._@-]+$`
	Login string `json:"login"`
}

// ClassSize fills in a size.
type ClassSize struct {
	// name of the size.
	// +required
	Name SizeName `json:"name"`
	// components of which the size sets replicas and resources. Not listed: one replica with 100m and 128Mi.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Components []ComponentSize `json:"components,omitempty"`
	// database of the size.
	// +required
	Database DatabaseSize `json:"database,omitzero"`
	// volumes of the size. Not listed: 1Gi.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	Volumes []VolumeSize `json:"volumes,omitempty"`
}

// ComponentSize is what a component gets.
type ComponentSize struct {
	// name of the component.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Name string `json:"name"`
	// replicas of the component. Default: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`
	// resources of each replica. Default: 100m and 128Mi.
	// +optional
	Resources *ComputeResources `json:"resources,omitempty"`
}

// DatabaseSize is what the database gets.
type DatabaseSize struct {
	// resources of the database. Default: 100m and 256Mi.
	// +optional
	Resources *ComputeResources `json:"resources,omitempty"`
	// storage of the database's volume. It can grow, and never shrinks.
	// +optional
	Storage *resource.Quantity `json:"storage,omitempty"`
}

// VolumeSize is what a volume gets.
type VolumeSize struct {
	// name of the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	Name string `json:"name"`
	// size of the volume. It can grow, and never shrinks.
	// +required
	Size resource.Quantity `json:"size"`
}

// ClassCheck proves that an environment works. Exactly one of http and command is set.
// +kubebuilder:validation:ExactlyOneOf=http;command
type ClassCheck struct {
	// name of the check.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]*[a-z0-9])?$`
	Name string `json:"name"`
	// http request to the Web component.
	// +optional
	HTTP *HTTPCheck `json:"http,omitempty"`
	// command that ends with 0 if all is well. It runs in the product's image with the files and the environment of a migration, and may use
	// bindings that are not secret.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=4000
	Command []string `json:"command,omitempty"`
}

// Sensitivity of a field.
// +kubebuilder:validation:Enum=Public;Internal;Personal;Sensitive
type Sensitivity string

// ClassObject is an object of the catalogue.
type ClassObject struct {
	// name in role policies, such as "contact".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9-]*$`
	Name string `json:"name"`
	// native names in the product.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=100
	Native []string `json:"native"`
	// ownerField is the native field that holds a record's owner. Unset: records have none, and scope Own cannot be enforced.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	OwnerField string `json:"ownerField,omitempty"`
	// teamField is the native field that holds a record's team. Unset: scope Team cannot be enforced.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	TeamField string `json:"teamField,omitempty"`
	// fields that policies can name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Fields []ClassField `json:"fields,omitempty"`
}

// ClassField is a field of an object.
type ClassField struct {
	// name in role policies, such as "phone".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z][a-zA-Z0-9-]*$`
	Name string `json:"name"`
	// native name in the product.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Native string `json:"native"`
	// sensitivity of the field.
	// +required
	Sensitivity Sensitivity `json:"sensitivity"`
}

// CRMClassStatus is what was seen of a class.
type CRMClassStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Stalled, CatalogueMatches.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// CRMClassList is a list of CRMClasses.
// +kubebuilder:object:root=true
type CRMClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMClass `json:"items"`
}
