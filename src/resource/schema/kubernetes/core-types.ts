/** The fields of the core types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const CORE_TYPES: Readonly<Record<string, string>> = {
  "core.AWSElasticBlockStoreVolumeSource": "volumeID 1! string; fsType 2 string; partition 3 int32; readOnly 4 bool",
  "core.Affinity":
    "nodeAffinity 1* core.NodeAffinity; podAffinity 2* core.PodAffinity; podAntiAffinity 3* core.PodAntiAffinity",
  "core.AppArmorProfile": "type 1! string(v1.AppArmorProfileType); localhostProfile 2* string",
  "core.AttachedVolume": "name 1! string(v1.UniqueVolumeName); devicePath 2! string",
  "core.AzureDiskVolumeSource":
    "diskName 1! string; diskURI 2! string; cachingMode 3* string(v1.AzureDataDiskCachingMode); fsType 4* string/default:'ext4'; readOnly 5* bool/default:false; kind 6* string(v1.AzureDataDiskKind)",
  "core.AzureFilePersistentVolumeSource":
    "secretName 1! string; shareName 2! string; readOnly 3 bool; secretNamespace 4*? string",
  "core.AzureFileVolumeSource": "secretName 1! string; shareName 2! string; readOnly 3 bool",
  "core.Binding": "metadata 1 meta.ObjectMeta; target 2! core.ObjectReference",
  "core.CSIPersistentVolumeSource":
    "driver 1! string; volumeHandle 2! string; readOnly 3 bool; fsType 4 string; volumeAttributes 5 {}string; controllerPublishSecretRef 6* core.SecretReference; nodeStageSecretRef 7* core.SecretReference; nodePublishSecretRef 8* core.SecretReference; controllerExpandSecretRef 9* core.SecretReference; nodeExpandSecretRef 10* core.SecretReference",
  "core.CSIVolumeSource":
    "driver 1! string; readOnly 2* bool; fsType 3* string; volumeAttributes 4 {}string; nodePublishSecretRef 5* core.LocalObjectReference",
  "core.Capabilities": "add 1 []string(v1.Capability)/list:atomic; drop 2 []string(v1.Capability)/list:atomic",
  "core.CephFSPersistentVolumeSource":
    "monitors 1! []string/list:atomic; path 2 string; user 3 string; secretFile 4 string; secretRef 5* core.SecretReference; readOnly 6 bool",
  "core.CephFSVolumeSource":
    "monitors 1! []string/list:atomic; path 2 string; user 3 string; secretFile 4 string; secretRef 5* core.LocalObjectReference; readOnly 6 bool",
  "core.CinderPersistentVolumeSource":
    "volumeID 1! string; fsType 2 string; readOnly 3 bool; secretRef 4* core.SecretReference",
  "core.CinderVolumeSource":
    "volumeID 1! string; fsType 2 string; readOnly 3 bool; secretRef 4* core.LocalObjectReference",
  "core.ClientIPConfig": "timeoutSeconds 1* int32",
  "core.ClusterTrustBundleProjection":
    "name 1* string; signerName 2* string; labelSelector 3* meta.LabelSelector; optional 5* bool; path 4! string",
  "core.ComponentCondition":
    "type 1! string(v1.ComponentConditionType); status 2! string(v1.ConditionStatus); message 3 string; error 4 string",
  "core.ComponentStatus":
    "metadata 1 meta.ObjectMeta; conditions 2 []core.ComponentCondition/list:map(type)/patch:merge(type)",
  "core.ConfigMap": "metadata 1 meta.ObjectMeta; immutable 4* bool; data 2 {}string; binaryData 3 {}bytes",
  "core.ConfigMapEnvSource": "_LocalObjectReference 1^ core.LocalObjectReference; optional 2* bool",
  "core.ConfigMapKeySelector":
    "@atomic; _LocalObjectReference 1^ core.LocalObjectReference; key 2! string; optional 3* bool",
  "core.ConfigMapNodeConfigSource":
    "namespace 1! string; name 2! string; uid 3 string(types.UID); resourceVersion 4 string; kubeletConfigKey 5! string",
  "core.ConfigMapProjection":
    "_LocalObjectReference 1^ core.LocalObjectReference; items 2 []core.KeyToPath/list:atomic; optional 4* bool",
  "core.ConfigMapVolumeSource":
    "_LocalObjectReference 1^ core.LocalObjectReference; items 2 []core.KeyToPath/list:atomic; defaultMode 3* int32; optional 4* bool",
  "core.Container":
    "name 1! string; image 2 string; command 3 []string/list:atomic; args 4 []string/list:atomic; workingDir 5 string; ports 6 []core.ContainerPort/list:map(containerPort,protocol)/patch:merge(containerPort); envFrom 19 []core.EnvFromSource/list:atomic; env 7 []core.EnvVar/list:map(name)/patch:merge(name); resources 8 core.ResourceRequirements; resizePolicy 23 []core.ContainerResizePolicy/list:atomic; restartPolicy 24* string(v1.ContainerRestartPolicy); restartPolicyRules 25 []core.ContainerRestartRule/list:atomic; volumeMounts 9 []core.VolumeMount/list:map(mountPath)/patch:merge(mountPath); volumeDevices 21 []core.VolumeDevice/list:map(devicePath)/patch:merge(devicePath); livenessProbe 10* core.Probe; readinessProbe 11* core.Probe; startupProbe 22* core.Probe; lifecycle 12* core.Lifecycle; terminationMessagePath 13 string; terminationMessagePolicy 20 string(v1.TerminationMessagePolicy); imagePullPolicy 14 string(v1.PullPolicy); securityContext 15* core.SecurityContext; stdin 16 bool; stdinOnce 17 bool; tty 18 bool",
  "core.ContainerExtendedResourceRequest": "containerName 1! string; resourceName 2! string; requestName 3! string",
  "core.ContainerImage": "names 1? []string/list:atomic; sizeBytes 2 int64",
  "core.ContainerPort":
    "name 1 string; hostPort 2 int32; containerPort 3! int32; protocol 4 string(v1.Protocol)/default:'TCP'; hostIP 5 string",
  "core.ContainerResizePolicy":
    "resourceName 1! string(v1.ResourceName); restartPolicy 2! string(v1.ResourceResizeRestartPolicy)",
  "core.ContainerRestartRule":
    "action 1 string(v1.ContainerRestartRuleAction); exitCodes 2* core.ContainerRestartRuleOnExitCodes",
  "core.ContainerRestartRuleOnExitCodes":
    "operator 1 string(v1.ContainerRestartRuleOnExitCodesOperator); values 2 []int32/list:set",
  "core.ContainerState":
    "waiting 1* core.ContainerStateWaiting; running 2* core.ContainerStateRunning; terminated 3* core.ContainerStateTerminated",
  "core.ContainerStateRunning": "startedAt 1 time",
  "core.ContainerStateTerminated":
    "exitCode 1! int32; signal 2 int32; reason 3 string; message 4 string; startedAt 5 time; finishedAt 6 time; containerID 7 string",
  "core.ContainerStateWaiting": "reason 1 string; message 2 string",
  "core.ContainerStatus":
    "name 1! string; state 2 core.ContainerState; lastState 3 core.ContainerState; ready 4! bool; restartCount 5! int32; image 6! string; imageID 7! string; containerID 8 string; started 9* bool; allocatedResources 10 {}quantity; resources 11* core.ResourceRequirements; volumeMounts 12 []core.VolumeMountStatus/list:map(mountPath)/patch:merge(mountPath); user 13* core.ContainerUser; allocatedResourcesStatus 14 []core.ResourceStatus/list:map(name)/patch:merge(name); stopSignal 15* string(v1.Signal)",
  "core.ContainerUser": "linux 1* core.LinuxContainerUser",
  "core.DaemonEndpoint": "Port 1! int32",
  "core.DownwardAPIProjection": "items 1 []core.DownwardAPIVolumeFile/list:atomic",
  "core.DownwardAPIVolumeFile":
    "path 1! string; fieldRef 2* core.ObjectFieldSelector; resourceFieldRef 3* core.ResourceFieldSelector; mode 4* int32",
  "core.DownwardAPIVolumeSource": "items 1 []core.DownwardAPIVolumeFile/list:atomic; defaultMode 2* int32",
  "core.EmptyDirVolumeSource": "medium 1 string(v1.StorageMedium); sizeLimit 2* quantity",
  "core.EndpointAddress":
    "@atomic; ip 1! string; hostname 3 string; nodeName 4* string; targetRef 2* core.ObjectReference",
  "core.EndpointPort": "@atomic; name 1 string; port 2! int32; protocol 3 string(v1.Protocol); appProtocol 4* string",
  "core.EndpointSubset":
    "addresses 1 []core.EndpointAddress/list:atomic; notReadyAddresses 2 []core.EndpointAddress/list:atomic; ports 3 []core.EndpointPort/list:atomic",
  "core.Endpoints": "metadata 1 meta.ObjectMeta; subsets 2 []core.EndpointSubset/list:atomic",
  "core.EnvFromSource": "prefix 1 string; configMapRef 2* core.ConfigMapEnvSource; secretRef 3* core.SecretEnvSource",
  "core.EnvVar": "name 1! string; value 2 string; valueFrom 3* core.EnvVarSource",
  "core.EnvVarSource":
    "fieldRef 1* core.ObjectFieldSelector; resourceFieldRef 2* core.ResourceFieldSelector; configMapKeyRef 3* core.ConfigMapKeySelector; secretKeyRef 4* core.SecretKeySelector; fileKeyRef 5* core.FileKeySelector",
  "core.EphemeralContainer": "_EphemeralContainerCommon 1^ core.EphemeralContainerCommon; targetContainerName 2 string",
  "core.EphemeralContainerCommon":
    "name 1! string; image 2 string; command 3 []string/list:atomic; args 4 []string/list:atomic; workingDir 5 string; ports 6 []core.ContainerPort/list:map(containerPort,protocol)/patch:merge(containerPort); envFrom 19 []core.EnvFromSource/list:atomic; env 7 []core.EnvVar/list:map(name)/patch:merge(name); resources 8 core.ResourceRequirements; resizePolicy 23 []core.ContainerResizePolicy/list:atomic; restartPolicy 24* string(v1.ContainerRestartPolicy); restartPolicyRules 25 []core.ContainerRestartRule/list:atomic; volumeMounts 9 []core.VolumeMount/list:map(mountPath)/patch:merge(mountPath); volumeDevices 21 []core.VolumeDevice/list:map(devicePath)/patch:merge(devicePath); livenessProbe 10* core.Probe; readinessProbe 11* core.Probe; startupProbe 22* core.Probe; lifecycle 12* core.Lifecycle; terminationMessagePath 13 string; terminationMessagePolicy 20 string(v1.TerminationMessagePolicy); imagePullPolicy 14 string(v1.PullPolicy); securityContext 15* core.SecurityContext; stdin 16 bool; stdinOnce 17 bool; tty 18 bool",
  "core.EphemeralVolumeSource": "volumeClaimTemplate 1* core.PersistentVolumeClaimTemplate",
  "core.Event":
    "metadata 1! meta.ObjectMeta; involvedObject 2! core.ObjectReference; reason 3 string; message 4 string; source 5 core.EventSource; firstTimestamp 6 time; lastTimestamp 7 time; count 8 int32; type 9 string; eventTime 10 microTime; series 11* core.EventSeries; action 12 string; related 13* core.ObjectReference; reportingComponent 14? string; reportingInstance 15? string",
  "core.EventSeries": "count 1 int32; lastObservedTime 2 microTime",
  "core.EventSource": "component 1 string; host 2 string",
  "core.ExecAction": "command 1 []string/list:atomic",
  "core.FCVolumeSource":
    "targetWWNs 1 []string/list:atomic; lun 2* int32; fsType 3 string; readOnly 4 bool; wwids 5 []string/list:atomic",
  "core.FileKeySelector":
    "@atomic; volumeName 1! string; path 2! string; key 3! string; optional 4* bool/default:false",
  "core.FlexPersistentVolumeSource":
    "driver 1! string; fsType 2 string; secretRef 3* core.SecretReference; readOnly 4 bool; options 5 {}string",
  "core.FlexVolumeSource":
    "driver 1! string; fsType 2 string; secretRef 3* core.LocalObjectReference; readOnly 4 bool; options 5 {}string",
  "core.FlockerVolumeSource": "datasetName 1 string; datasetUUID 2 string",
  "core.GCEPersistentDiskVolumeSource": "pdName 1! string; fsType 2 string; partition 3 int32; readOnly 4 bool",
  "core.GRPCAction": "port 1! int32; service 2*? string/default:''",
  "core.GitRepoVolumeSource": "repository 1! string; revision 2 string; directory 3 string",
  "core.GlusterfsPersistentVolumeSource":
    "endpoints 1! string; path 2! string; readOnly 3 bool; endpointsNamespace 4* string",
  "core.GlusterfsVolumeSource": "endpoints 1! string; path 2! string; readOnly 3 bool",
  "core.HTTPGetAction":
    "path 1 string; port 2! intOrString; host 3 string; scheme 4 string(v1.URIScheme); httpHeaders 5 []core.HTTPHeader/list:atomic",
  "core.HTTPHeader": "name 1! string; value 2! string",
  "core.HostAlias": "ip 1! string; hostnames 2 []string/list:atomic",
  "core.HostIP": "ip 1! string",
  "core.HostPathVolumeSource": "path 1! string; type 2* string(v1.HostPathType)",
  "core.ISCSIPersistentVolumeSource":
    "targetPortal 1! string; iqn 2! string; lun 3! int32; iscsiInterface 4 string/default:'default'; fsType 5 string; readOnly 6 bool; portals 7 []string/list:atomic; chapAuthDiscovery 8 bool; chapAuthSession 11 bool; secretRef 10* core.SecretReference; initiatorName 12* string",
  "core.ISCSIVolumeSource":
    "targetPortal 1! string; iqn 2! string; lun 3! int32; iscsiInterface 4 string/default:'default'; fsType 5 string; readOnly 6 bool; portals 7 []string/list:atomic; chapAuthDiscovery 8 bool; chapAuthSession 11 bool; secretRef 10* core.LocalObjectReference; initiatorName 12* string",
  "core.ImageVolumeSource": "reference 1 string; pullPolicy 2 string(v1.PullPolicy)",
  "core.KeyToPath": "key 1! string; path 2! string; mode 3* int32",
  "core.Lifecycle":
    "postStart 1* core.LifecycleHandler; preStop 2* core.LifecycleHandler; stopSignal 3* string(v1.Signal)",
  "core.LifecycleHandler":
    "exec 1* core.ExecAction; httpGet 2* core.HTTPGetAction; tcpSocket 3* core.TCPSocketAction; sleep 4* core.SleepAction",
  "core.LimitRange": "metadata 1 meta.ObjectMeta; spec 2 core.LimitRangeSpec",
  "core.LimitRangeItem":
    "type 1! string(v1.LimitType); max 2 {}quantity; min 3 {}quantity; default 4 {}quantity; defaultRequest 5 {}quantity; maxLimitRequestRatio 6 {}quantity",
  "core.LimitRangeSpec": "limits 1! []core.LimitRangeItem/list:atomic",
  "core.LinuxContainerUser": "uid 1! int64; gid 2! int64; supplementalGroups 3 []int64/list:atomic",
  "core.LoadBalancerIngress":
    "ip 1 string; hostname 2 string; ipMode 3* string(v1.LoadBalancerIPMode); ports 4 []core.PortStatus/list:atomic",
  "core.LoadBalancerStatus": "ingress 1 []core.LoadBalancerIngress/list:atomic",
  "core.LocalObjectReference": "@atomic; name 1 string/default:''",
  "core.LocalVolumeSource": "path 1! string; fsType 2* string",
  "core.ModifyVolumeStatus":
    "targetVolumeAttributesClassName 1 string; status 2! string(v1.PersistentVolumeClaimModifyVolumeStatus)",
  "core.NFSVolumeSource": "server 1! string; path 2! string; readOnly 3 bool",
  "core.Namespace": "metadata 1 meta.ObjectMeta; spec 2 core.NamespaceSpec; status 3 core.NamespaceStatus",
  "core.NamespaceCondition":
    "type 1! string(v1.NamespaceConditionType); status 2! string(v1.ConditionStatus); lastTransitionTime 4 time; reason 5 string; message 6 string",
  "core.NamespaceSpec": "finalizers 1 []string(v1.FinalizerName)/list:atomic",
  "core.NamespaceStatus":
    "phase 1 string(v1.NamespacePhase); conditions 2 []core.NamespaceCondition/list:map(type)/patch:merge(type)",
  "core.Node": "metadata 1 meta.ObjectMeta; spec 2 core.NodeSpec; status 3 core.NodeStatus",
  "core.NodeAddress": "type 1! string(v1.NodeAddressType); address 2! string",
  "core.NodeAffinity":
    "requiredDuringSchedulingIgnoredDuringExecution 1* core.NodeSelector; preferredDuringSchedulingIgnoredDuringExecution 2 []core.PreferredSchedulingTerm/list:atomic",
  "core.NodeCondition":
    "type 1! string(v1.NodeConditionType); status 2! string(v1.ConditionStatus); lastHeartbeatTime 3 time; lastTransitionTime 4 time; reason 5 string; message 6 string",
  "core.NodeConfigSource": "configMap 2* core.ConfigMapNodeConfigSource",
  "core.NodeConfigStatus":
    "assigned 1* core.NodeConfigSource; active 2* core.NodeConfigSource; lastKnownGood 3* core.NodeConfigSource; error 4 string",
  "core.NodeDaemonEndpoints": "kubeletEndpoint 1 core.DaemonEndpoint",
  "core.NodeFeatures": "supplementalGroupsPolicy 1* bool",
  "core.NodeRuntimeHandler": "name 1? string; features 2* core.NodeRuntimeHandlerFeatures",
  "core.NodeRuntimeHandlerFeatures": "recursiveReadOnlyMounts 1* bool; userNamespaces 2* bool",
  "core.NodeSelector": "@atomic; nodeSelectorTerms 1! []core.NodeSelectorTerm/list:atomic",
  "core.NodeSelectorRequirement":
    "key 1! string; operator 2! string(v1.NodeSelectorOperator); values 3 []string/list:atomic",
  "core.NodeSelectorTerm":
    "@atomic; matchExpressions 1 []core.NodeSelectorRequirement/list:atomic; matchFields 2 []core.NodeSelectorRequirement/list:atomic",
  "core.NodeSpec":
    "podCIDR 1 string; podCIDRs 7 []string/list:set/patch:merge; providerID 3 string; unschedulable 4 bool; taints 5 []core.Taint/list:atomic; configSource 6* core.NodeConfigSource; externalID 2 string",
  "core.NodeStatus":
    "capacity 1 {}quantity; allocatable 2 {}quantity; phase 3 string(v1.NodePhase); conditions 4 []core.NodeCondition/list:map(type)/patch:merge(type); addresses 5 []core.NodeAddress/list:map(type)/patch:merge(type); daemonEndpoints 6 core.NodeDaemonEndpoints; nodeInfo 7 core.NodeSystemInfo; images 8 []core.ContainerImage/list:atomic; volumesInUse 9 []string(v1.UniqueVolumeName)/list:atomic; volumesAttached 10 []core.AttachedVolume/list:atomic; config 11* core.NodeConfigStatus; runtimeHandlers 12 []core.NodeRuntimeHandler/list:atomic; features 13* core.NodeFeatures",
  "core.NodeSwapStatus": "capacity 1* int64",
  "core.NodeSystemInfo":
    "machineID 1! string; systemUUID 2! string; bootID 3! string; kernelVersion 4! string; osImage 5! string; containerRuntimeVersion 6! string; kubeletVersion 7! string; kubeProxyVersion 8! string; operatingSystem 9! string; architecture 10! string; swap 11* core.NodeSwapStatus",
  "core.ObjectFieldSelector": "@atomic; apiVersion 1 string; fieldPath 2! string",
  "core.ObjectReference":
    "@atomic; kind 1 string; namespace 2 string; name 3 string; uid 4 string(types.UID); apiVersion 5 string; resourceVersion 6 string; fieldPath 7 string",
  "core.PersistentVolume":
    "metadata 1 meta.ObjectMeta; spec 2 core.PersistentVolumeSpec; status 3 core.PersistentVolumeStatus",
  "core.PersistentVolumeClaim":
    "metadata 1 meta.ObjectMeta; spec 2 core.PersistentVolumeClaimSpec; status 3 core.PersistentVolumeClaimStatus",
  "core.PersistentVolumeClaimCondition":
    "type 1! string(v1.PersistentVolumeClaimConditionType); status 2! string(v1.ConditionStatus); lastProbeTime 3 time; lastTransitionTime 4 time; reason 5 string; message 6 string",
  "core.PersistentVolumeClaimSpec":
    "accessModes 1 []string(v1.PersistentVolumeAccessMode)/list:atomic; selector 4* meta.LabelSelector; resources 2 core.VolumeResourceRequirements; volumeName 3 string; storageClassName 5* string; volumeMode 6* string(v1.PersistentVolumeMode); dataSource 7* core.TypedLocalObjectReference; dataSourceRef 8* core.TypedObjectReference; volumeAttributesClassName 9* string",
  "core.PersistentVolumeClaimStatus":
    "phase 1 string(v1.PersistentVolumeClaimPhase); accessModes 2 []string(v1.PersistentVolumeAccessMode)/list:atomic; capacity 3 {}quantity; conditions 4 []core.PersistentVolumeClaimCondition/list:map(type)/patch:merge(type); allocatedResources 5 {}quantity; allocatedResourceStatuses 7 {}string(v1.ClaimResourceStatus); currentVolumeAttributesClassName 8* string; modifyVolumeStatus 9* core.ModifyVolumeStatus",
  "core.PersistentVolumeClaimTemplate": "metadata 1 meta.ObjectMeta; spec 2! core.PersistentVolumeClaimSpec",
  "core.PersistentVolumeClaimVolumeSource": "claimName 1! string; readOnly 2 bool",
  "core.PersistentVolumeSource":
    "gcePersistentDisk 1* core.GCEPersistentDiskVolumeSource; awsElasticBlockStore 2* core.AWSElasticBlockStoreVolumeSource; hostPath 3* core.HostPathVolumeSource; glusterfs 4* core.GlusterfsPersistentVolumeSource; nfs 5* core.NFSVolumeSource; rbd 6* core.RBDPersistentVolumeSource; iscsi 7* core.ISCSIPersistentVolumeSource; cinder 8* core.CinderPersistentVolumeSource; cephfs 9* core.CephFSPersistentVolumeSource; fc 10* core.FCVolumeSource; flocker 11* core.FlockerVolumeSource; flexVolume 12* core.FlexPersistentVolumeSource; azureFile 13* core.AzureFilePersistentVolumeSource; vsphereVolume 14* core.VsphereVirtualDiskVolumeSource; quobyte 15* core.QuobyteVolumeSource; azureDisk 16* core.AzureDiskVolumeSource; photonPersistentDisk 17* core.PhotonPersistentDiskVolumeSource; portworxVolume 18* core.PortworxVolumeSource; scaleIO 19* core.ScaleIOPersistentVolumeSource; local 20* core.LocalVolumeSource; storageos 21* core.StorageOSPersistentVolumeSource; csi 22* core.CSIPersistentVolumeSource",
  "core.PersistentVolumeSpec":
    "capacity 1 {}quantity; _PersistentVolumeSource 2^ core.PersistentVolumeSource; accessModes 3 []string(v1.PersistentVolumeAccessMode)/list:atomic; claimRef 4* core.ObjectReference; persistentVolumeReclaimPolicy 5 string(v1.PersistentVolumeReclaimPolicy); storageClassName 6 string; mountOptions 7 []string/list:atomic; volumeMode 8* string(v1.PersistentVolumeMode); nodeAffinity 9* core.VolumeNodeAffinity; volumeAttributesClassName 10* string",
  "core.PersistentVolumeStatus":
    "phase 1 string(v1.PersistentVolumePhase); message 2 string; reason 3 string; lastPhaseTransitionTime 4* time",
  "core.PhotonPersistentDiskVolumeSource": "pdID 1! string; fsType 2 string",
  "core.Pod": "metadata 1 meta.ObjectMeta; spec 2 core.PodSpec; status 3 core.PodStatus",
  "core.PodAffinity":
    "requiredDuringSchedulingIgnoredDuringExecution 1 []core.PodAffinityTerm/list:atomic; preferredDuringSchedulingIgnoredDuringExecution 2 []core.WeightedPodAffinityTerm/list:atomic",
  "core.PodAffinityTerm":
    "labelSelector 1* meta.LabelSelector; namespaces 2 []string/list:atomic; topologyKey 3! string; namespaceSelector 4* meta.LabelSelector; matchLabelKeys 5 []string/list:atomic; mismatchLabelKeys 6 []string/list:atomic",
  "core.PodAntiAffinity":
    "requiredDuringSchedulingIgnoredDuringExecution 1 []core.PodAffinityTerm/list:atomic; preferredDuringSchedulingIgnoredDuringExecution 2 []core.WeightedPodAffinityTerm/list:atomic",
  "core.PodCertificateProjection":
    "signerName 1 string; keyType 2 string; maxExpirationSeconds 3* int32; credentialBundlePath 4 string; keyPath 5 string; certificateChainPath 6 string",
  "core.PodCondition":
    "type 1! string(v1.PodConditionType); observedGeneration 7 int64; status 2! string(v1.ConditionStatus); lastProbeTime 3 time; lastTransitionTime 4 time; reason 5 string; message 6 string",
  "core.PodDNSConfig":
    "nameservers 1 []string/list:atomic; searches 2 []string/list:atomic; options 3 []core.PodDNSConfigOption/list:atomic",
  "core.PodDNSConfigOption": "name 1 string; value 2* string",
  "core.PodExtendedResourceClaimStatus":
    "requestMappings 1! []core.ContainerExtendedResourceRequest/list:atomic; resourceClaimName 2! string",
  "core.PodIP": "ip 1! string",
  "core.PodOS": "name 1! string(v1.OSName)",
  "core.PodReadinessGate": "conditionType 1! string(v1.PodConditionType)",
  "core.PodResourceClaim": "name 1! string; resourceClaimName 3* string; resourceClaimTemplateName 4* string",
  "core.PodResourceClaimStatus": "name 1! string; resourceClaimName 2* string",
  "core.PodSchedulingGate": "name 1! string",
  "core.PodSecurityContext":
    "seLinuxOptions 1* core.SELinuxOptions; windowsOptions 8* core.WindowsSecurityContextOptions; runAsUser 2* int64; runAsGroup 6* int64; runAsNonRoot 3* bool; supplementalGroups 4 []int64/list:atomic; supplementalGroupsPolicy 12* string(v1.SupplementalGroupsPolicy); fsGroup 5* int64; sysctls 7 []core.Sysctl/list:atomic; fsGroupChangePolicy 9* string(v1.PodFSGroupChangePolicy); seccompProfile 10* core.SeccompProfile; appArmorProfile 11* core.AppArmorProfile; seLinuxChangePolicy 13* string(v1.PodSELinuxChangePolicy)",
  "core.PodSpec":
    "volumes 1 []core.Volume/list:map(name)/patch:merge,retainKeys(name); initContainers 20 []core.Container/list:map(name)/patch:merge(name); containers 2! []core.Container/list:map(name)/patch:merge(name); ephemeralContainers 34 []core.EphemeralContainer/list:map(name)/patch:merge(name); restartPolicy 3 string(v1.RestartPolicy); terminationGracePeriodSeconds 4* int64; activeDeadlineSeconds 5* int64; dnsPolicy 6 string(v1.DNSPolicy); nodeSelector 7 {}string/map:atomic; serviceAccountName 8 string; serviceAccount 9 string; automountServiceAccountToken 21* bool; nodeName 10 string; hostNetwork 11 bool; hostPID 12 bool; hostIPC 13 bool; shareProcessNamespace 27* bool; securityContext 14* core.PodSecurityContext; imagePullSecrets 15 []core.LocalObjectReference/list:map(name)/patch:merge(name); hostname 16 string; subdomain 17 string; affinity 18* core.Affinity; schedulerName 19 string; tolerations 22 []core.Toleration/list:atomic; hostAliases 23 []core.HostAlias/list:map(ip)/patch:merge(ip); priorityClassName 24 string; priority 25* int32; dnsConfig 26* core.PodDNSConfig; readinessGates 28 []core.PodReadinessGate/list:atomic; runtimeClassName 29* string; enableServiceLinks 30* bool; preemptionPolicy 31* string(v1.PreemptionPolicy); overhead 32 {}quantity; topologySpreadConstraints 33 []core.TopologySpreadConstraint/list:map(topologyKey,whenUnsatisfiable)/patch:merge(topologyKey); setHostnameAsFQDN 35* bool; os 36* core.PodOS; hostUsers 37* bool; schedulingGates 38 []core.PodSchedulingGate/list:map(name)/patch:merge(name); resourceClaims 39 []core.PodResourceClaim/list:map(name)/patch:merge,retainKeys(name); resources 40* core.ResourceRequirements; hostnameOverride 41* string",
  "core.PodStatus":
    "observedGeneration 17 int64; phase 1 string(v1.PodPhase); conditions 2 []core.PodCondition/list:map(type)/patch:merge(type); message 3 string; reason 4 string; nominatedNodeName 11 string; hostIP 5 string; hostIPs 16 []core.HostIP/list:atomic/patch:merge(ip); podIP 6 string; podIPs 12 []core.PodIP/list:map(ip)/patch:merge(ip); startTime 7* time; initContainerStatuses 10 []core.ContainerStatus/list:atomic; containerStatuses 8 []core.ContainerStatus/list:atomic; qosClass 9 string(v1.PodQOSClass); ephemeralContainerStatuses 13 []core.ContainerStatus/list:atomic; resize 14 string(v1.PodResizeStatus); resourceClaimStatuses 15 []core.PodResourceClaimStatus/list:map(name)/patch:merge,retainKeys(name); extendedResourceClaimStatus 18* core.PodExtendedResourceClaimStatus",
  "core.PodTemplate": "metadata 1 meta.ObjectMeta; template 2 core.PodTemplateSpec",
  "core.PodTemplateSpec": "metadata 1 meta.ObjectMeta; spec 2 core.PodSpec",
  "core.PortStatus": "port 1! int32; protocol 2! string(v1.Protocol); error 3* string",
  "core.PortworxVolumeSource": "volumeID 1! string; fsType 2 string; readOnly 3 bool",
  "core.PreferredSchedulingTerm": "weight 1! int32; preference 2! core.NodeSelectorTerm",
  "core.Probe":
    "_ProbeHandler 1^ core.ProbeHandler; initialDelaySeconds 2 int32; timeoutSeconds 3 int32; periodSeconds 4 int32; successThreshold 5 int32; failureThreshold 6 int32; terminationGracePeriodSeconds 7* int64",
  "core.ProbeHandler":
    "exec 1* core.ExecAction; httpGet 2* core.HTTPGetAction; tcpSocket 3* core.TCPSocketAction; grpc 4* core.GRPCAction",
  "core.ProjectedVolumeSource": "sources 1? []core.VolumeProjection/list:atomic; defaultMode 2* int32",
  "core.QuobyteVolumeSource":
    "registry 1! string; volume 2! string; readOnly 3 bool; user 4 string; group 5 string; tenant 6 string",
  "core.RBDPersistentVolumeSource":
    "monitors 1! []string/list:atomic; image 2! string; fsType 3 string; pool 4 string/default:'rbd'; user 5 string/default:'admin'; keyring 6 string/default:'/etc/ceph/keyring'; secretRef 7* core.SecretReference; readOnly 8 bool",
  "core.RBDVolumeSource":
    "monitors 1! []string/list:atomic; image 2! string; fsType 3 string; pool 4 string/default:'rbd'; user 5 string/default:'admin'; keyring 6 string/default:'/etc/ceph/keyring'; secretRef 7* core.LocalObjectReference; readOnly 8 bool",
  "core.ReplicationController":
    "metadata 1 meta.ObjectMeta; spec 2 core.ReplicationControllerSpec; status 3 core.ReplicationControllerStatus",
  "core.ReplicationControllerCondition":
    "type 1! string(v1.ReplicationControllerConditionType); status 2! string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "core.ReplicationControllerSpec":
    "replicas 1* int32/default:1; minReadySeconds 4 int32/default:0; selector 2 {}string/map:atomic; template 3* core.PodTemplateSpec",
  "core.ReplicationControllerStatus":
    "replicas 1! int32; fullyLabeledReplicas 2 int32; readyReplicas 4 int32; availableReplicas 5 int32; observedGeneration 3 int64; conditions 6 []core.ReplicationControllerCondition/list:map(type)/patch:merge(type)",
  "core.ResourceClaim": "name 1! string; request 2 string",
  "core.ResourceFieldSelector": "@atomic; containerName 1 string; resource 2! string; divisor 3 quantity",
  "core.ResourceHealth": "resourceID 1! string(v1.ResourceID); health 2 string(v1.ResourceHealthStatus)",
  "core.ResourceQuota": "metadata 1 meta.ObjectMeta; spec 2 core.ResourceQuotaSpec; status 3 core.ResourceQuotaStatus",
  "core.ResourceQuotaSpec":
    "hard 1 {}quantity; scopes 2 []string(v1.ResourceQuotaScope)/list:atomic; scopeSelector 3* core.ScopeSelector",
  "core.ResourceQuotaStatus": "hard 1 {}quantity; used 2 {}quantity",
  "core.ResourceRequirements":
    "limits 1 {}quantity; requests 2 {}quantity; claims 3 []core.ResourceClaim/list:map(name)",
  "core.ResourceStatus": "name 1! string(v1.ResourceName); resources 2 []core.ResourceHealth/list:map(resourceID)",
  "core.SELinuxOptions": "user 1 string; role 2 string; type 3 string; level 4 string",
  "core.ScaleIOPersistentVolumeSource":
    "gateway 1! string; system 2! string; secretRef 3*! core.SecretReference; sslEnabled 4 bool; protectionDomain 5 string; storagePool 6 string; storageMode 7 string/default:'ThinProvisioned'; volumeName 8 string; fsType 9 string/default:'xfs'; readOnly 10 bool",
  "core.ScaleIOVolumeSource":
    "gateway 1! string; system 2! string; secretRef 3*! core.LocalObjectReference; sslEnabled 4 bool; protectionDomain 5 string; storagePool 6 string; storageMode 7 string/default:'ThinProvisioned'; volumeName 8 string; fsType 9 string/default:'xfs'; readOnly 10 bool",
  "core.ScopeSelector": "@atomic; matchExpressions 1 []core.ScopedResourceSelectorRequirement/list:atomic",
  "core.ScopedResourceSelectorRequirement":
    "scopeName 1! string(v1.ResourceQuotaScope); operator 2! string(v1.ScopeSelectorOperator); values 3 []string/list:atomic",
  "core.SeccompProfile": "type 1! string(v1.SeccompProfileType); localhostProfile 2* string",
  "core.Secret":
    "metadata 1 meta.ObjectMeta; immutable 5* bool; data 2 {}bytes; stringData 4 {}string; type 3 string(v1.SecretType)",
  "core.SecretEnvSource": "_LocalObjectReference 1^ core.LocalObjectReference; optional 2* bool",
  "core.SecretKeySelector":
    "@atomic; _LocalObjectReference 1^ core.LocalObjectReference; key 2! string; optional 3* bool",
  "core.SecretProjection":
    "_LocalObjectReference 1^ core.LocalObjectReference; items 2 []core.KeyToPath/list:atomic; optional 4* bool",
  "core.SecretReference": "@atomic; name 1 string; namespace 2 string",
  "core.SecretVolumeSource":
    "secretName 1 string; items 2 []core.KeyToPath/list:atomic; defaultMode 3* int32; optional 4* bool",
  "core.SecurityContext":
    "capabilities 1* core.Capabilities; privileged 2* bool; seLinuxOptions 3* core.SELinuxOptions; windowsOptions 10* core.WindowsSecurityContextOptions; runAsUser 4* int64; runAsGroup 8* int64; runAsNonRoot 5* bool; readOnlyRootFilesystem 6* bool; allowPrivilegeEscalation 7* bool; procMount 9* string(v1.ProcMountType); seccompProfile 11* core.SeccompProfile; appArmorProfile 12* core.AppArmorProfile",
  "core.Service": "metadata 1 meta.ObjectMeta; spec 2 core.ServiceSpec; status 3 core.ServiceStatus",
  "core.ServiceAccount":
    "metadata 1 meta.ObjectMeta; secrets 2 []core.ObjectReference/list:map(name)/patch:merge(name); imagePullSecrets 3 []core.LocalObjectReference/list:atomic; automountServiceAccountToken 4* bool",
  "core.ServiceAccountTokenProjection": "audience 1 string; expirationSeconds 2* int64; path 3! string",
  "core.ServicePort":
    "name 1 string; protocol 2 string(v1.Protocol)/default:'TCP'; appProtocol 6* string; port 3! int32; targetPort 4 intOrString; nodePort 5 int32",
  "core.ServiceSpec":
    "ports 1 []core.ServicePort/list:map(port,protocol)/patch:merge(port); selector 2 {}string/map:atomic; clusterIP 3 string; clusterIPs 18 []string/list:atomic; type 4 string(v1.ServiceType); externalIPs 5 []string/list:atomic; sessionAffinity 7 string(v1.ServiceAffinity); loadBalancerIP 8 string; loadBalancerSourceRanges 9 []string/list:atomic; externalName 10 string; externalTrafficPolicy 11 string(v1.ServiceExternalTrafficPolicy); healthCheckNodePort 12 int32; publishNotReadyAddresses 13 bool; sessionAffinityConfig 14* core.SessionAffinityConfig; ipFamilies 19 []string(v1.IPFamily)/list:atomic; ipFamilyPolicy 17* string(v1.IPFamilyPolicy); allocateLoadBalancerNodePorts 20* bool; loadBalancerClass 21* string; internalTrafficPolicy 22* string(v1.ServiceInternalTrafficPolicy); trafficDistribution 23* string",
  "core.ServiceStatus":
    "loadBalancer 1 core.LoadBalancerStatus; conditions 2 []meta.Condition/list:map(type)/patch:merge(type)",
  "core.SessionAffinityConfig": "clientIP 1* core.ClientIPConfig",
  "core.SleepAction": "seconds 1! int64",
  "core.StorageOSPersistentVolumeSource":
    "volumeName 1 string; volumeNamespace 2 string; fsType 3 string; readOnly 4 bool; secretRef 5* core.ObjectReference",
  "core.StorageOSVolumeSource":
    "volumeName 1 string; volumeNamespace 2 string; fsType 3 string; readOnly 4 bool; secretRef 5* core.LocalObjectReference",
  "core.Sysctl": "name 1! string; value 2! string",
  "core.TCPSocketAction": "port 1! intOrString; host 2 string",
  "core.Taint": "key 1! string; value 2 string; effect 3! string(v1.TaintEffect); timeAdded 4* time",
  "core.Toleration":
    "key 1 string; operator 2 string(v1.TolerationOperator); value 3 string; effect 4 string(v1.TaintEffect); tolerationSeconds 5* int64",
  "core.TopologySelectorLabelRequirement": "key 1! string; values 2! []string/list:atomic",
  "core.TopologySelectorTerm": "@atomic; matchLabelExpressions 1 []core.TopologySelectorLabelRequirement/list:atomic",
  "core.TopologySpreadConstraint":
    "maxSkew 1! int32; topologyKey 2! string; whenUnsatisfiable 3! string(v1.UnsatisfiableConstraintAction); labelSelector 4* meta.LabelSelector; minDomains 5* int32; nodeAffinityPolicy 6* string(v1.NodeInclusionPolicy); nodeTaintsPolicy 7* string(v1.NodeInclusionPolicy); matchLabelKeys 8 []string/list:atomic",
  "core.TypedLocalObjectReference": "@atomic; apiGroup 1*? string; kind 2! string; name 3! string",
  "core.TypedObjectReference": "apiGroup 1*? string; kind 2! string; name 3! string; namespace 4* string",
  "core.Volume": "name 1! string; _VolumeSource 2^ core.VolumeSource",
  "core.VolumeDevice": "name 1! string; devicePath 2! string",
  "core.VolumeMount":
    "name 1! string; readOnly 2 bool; recursiveReadOnly 7* string(v1.RecursiveReadOnlyMode); mountPath 3! string; subPath 4 string; mountPropagation 5* string(v1.MountPropagationMode); subPathExpr 6 string",
  "core.VolumeMountStatus":
    "name 1! string; mountPath 2! string; readOnly 3 bool; recursiveReadOnly 4* string(v1.RecursiveReadOnlyMode)",
  "core.VolumeNodeAffinity": "required 1* core.NodeSelector",
  "core.VolumeProjection":
    "secret 1* core.SecretProjection; downwardAPI 2* core.DownwardAPIProjection; configMap 3* core.ConfigMapProjection; serviceAccountToken 4* core.ServiceAccountTokenProjection; clusterTrustBundle 5* core.ClusterTrustBundleProjection; podCertificate 6* core.PodCertificateProjection",
  "core.VolumeResourceRequirements": "limits 1 {}quantity; requests 2 {}quantity",
  "core.VolumeSource":
    "hostPath 1* core.HostPathVolumeSource; emptyDir 2* core.EmptyDirVolumeSource; gcePersistentDisk 3* core.GCEPersistentDiskVolumeSource; awsElasticBlockStore 4* core.AWSElasticBlockStoreVolumeSource; gitRepo 5* core.GitRepoVolumeSource; secret 6* core.SecretVolumeSource; nfs 7* core.NFSVolumeSource; iscsi 8* core.ISCSIVolumeSource; glusterfs 9* core.GlusterfsVolumeSource; persistentVolumeClaim 10* core.PersistentVolumeClaimVolumeSource; rbd 11* core.RBDVolumeSource; flexVolume 12* core.FlexVolumeSource; cinder 13* core.CinderVolumeSource; cephfs 14* core.CephFSVolumeSource; flocker 15* core.FlockerVolumeSource; downwardAPI 16* core.DownwardAPIVolumeSource; fc 17* core.FCVolumeSource; azureFile 18* core.AzureFileVolumeSource; configMap 19* core.ConfigMapVolumeSource; vsphereVolume 20* core.VsphereVirtualDiskVolumeSource; quobyte 21* core.QuobyteVolumeSource; azureDisk 22* core.AzureDiskVolumeSource; photonPersistentDisk 23* core.PhotonPersistentDiskVolumeSource; projected 26* core.ProjectedVolumeSource; portworxVolume 24* core.PortworxVolumeSource; scaleIO 25* core.ScaleIOVolumeSource; storageos 27* core.StorageOSVolumeSource; csi 28* core.CSIVolumeSource; ephemeral 29* core.EphemeralVolumeSource; image 30* core.ImageVolumeSource",
  "core.VsphereVirtualDiskVolumeSource":
    "volumePath 1! string; fsType 2 string; storagePolicyName 3 string; storagePolicyID 4 string",
  "core.WeightedPodAffinityTerm": "weight 1! int32; podAffinityTerm 2! core.PodAffinityTerm",
  "core.WindowsSecurityContextOptions":
    "gmsaCredentialSpecName 1* string; gmsaCredentialSpec 2* string; runAsUserName 3* string; hostProcess 4* bool",
};
