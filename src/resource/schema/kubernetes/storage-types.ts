/** The fields of the storage types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const STORAGE_TYPES: Readonly<Record<string, string>> = {
  "storage.CSIDriver": "metadata 1 meta.ObjectMeta; spec 2! storage.CSIDriverSpec",
  "storage.CSIDriverSpec":
    "attachRequired 1* bool; podInfoOnMount 2* bool; volumeLifecycleModes 3 []string(v1.VolumeLifecycleMode)/list:set; storageCapacity 4* bool; fsGroupPolicy 5* string(v1.FSGroupPolicy); tokenRequests 6 []storage.TokenRequest/list:atomic; requiresRepublish 7* bool; seLinuxMount 8* bool; nodeAllocatableUpdatePeriodSeconds 9* int64",
  "storage.CSINode": "metadata 1 meta.ObjectMeta; spec 2! storage.CSINodeSpec",
  "storage.CSINodeDriver":
    "name 1! string; nodeID 2! string; topologyKeys 3? []string/list:atomic; allocatable 4* storage.VolumeNodeResources",
  "storage.CSINodeSpec": "drivers 1! []storage.CSINodeDriver/list:map(name)/patch:merge(name)",
  "storage.CSIStorageCapacity":
    "metadata 1 meta.ObjectMeta; nodeTopology 2* meta.LabelSelector; storageClassName 3! string; capacity 4* quantity; maximumVolumeSize 5* quantity",
  "storage.StorageClass":
    "metadata 1 meta.ObjectMeta; provisioner 2! string; parameters 3 {}string; reclaimPolicy 4* string(v1.PersistentVolumeReclaimPolicy); mountOptions 5 []string/list:atomic; allowVolumeExpansion 6* bool; volumeBindingMode 7* string(v1.VolumeBindingMode); allowedTopologies 8 []core.TopologySelectorTerm/list:atomic",
  "storage.TokenRequest": "audience 1! string; expirationSeconds 2* int64",
  "storage.VolumeAttachment":
    "metadata 1 meta.ObjectMeta; spec 2! storage.VolumeAttachmentSpec; status 3 storage.VolumeAttachmentStatus",
  "storage.VolumeAttachmentSource": "persistentVolumeName 1* string; inlineVolumeSpec 2* core.PersistentVolumeSpec",
  "storage.VolumeAttachmentSpec": "attacher 1! string; source 2! storage.VolumeAttachmentSource; nodeName 3! string",
  "storage.VolumeAttachmentStatus":
    "attached 1! bool; attachmentMetadata 2 {}string; attachError 3* storage.VolumeError; detachError 4* storage.VolumeError",
  "storage.VolumeError": "time 1 time; message 2 string; errorCode 3* int32",
  "storage.VolumeNodeResources": "count 1* int32",
};
