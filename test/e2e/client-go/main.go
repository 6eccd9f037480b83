// Command informers keeps client-go's caches of the ConfigMaps labelled test=informers: of typed objects, of unstructured
// ones and of metadata alone. For each line on standard input it prints what each cache holds, as one JSON document a line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const namespace = "default"

func selected(options *metav1.ListOptions) { options.LabelSelector = "test=informers" }

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		panic(err)
	}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	stop := make(chan struct{})

	typed := informers.NewSharedInformerFactoryWithOptions(kubernetes.NewForConfigOrDie(config), 0,
		informers.WithNamespace(namespace), informers.WithTweakListOptions(selected))
	unstructured := dynamicinformer.NewFilteredDynamicSharedInformerFactory(dynamic.NewForConfigOrDie(config), 0, namespace, selected)
	partial := metadatainformer.NewFilteredSharedInformerFactory(metadata.NewForConfigOrDie(config), 0, namespace, selected)
	caches := map[string]cache.SharedIndexInformer{
		"typed":        typed.Core().V1().ConfigMaps().Informer(),
		"unstructured": unstructured.ForResource(resource).Informer(),
		"metadata":     partial.ForResource(resource).Informer(),
	}
	told := map[string]map[string]string{}
	for name, informer := range caches {
		told[name] = map[string]string{}
		go informer.Run(stop)
	}
	for _, informer := range caches {
		cache.WaitForCacheSync(stop, informer.HasSynced)
	}
	fmt.Println("synced")

	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		for name, informer := range caches {
			held := map[string]string{}
			for _, object := range informer.GetStore().List() {
				found, err := meta.Accessor(object)
				if err != nil {
					panic(err)
				}
				held[found.GetName()] = found.GetResourceVersion()
			}
			told[name] = held
		}
		document, err := json.Marshal(told)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(document))
	}
	close(stop)
}
