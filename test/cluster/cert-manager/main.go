// Runs cert-manager's own controllers as its controller program does: a Lease, then each controller.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/cert-manager/cert-manager/pkg/controller"
	ingresses "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	crca "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	crself "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	opts := controller.ContextOptions{Kubeconfig: *kubeconfig, KubernetesAPIQPS: 50, KubernetesAPIBurst: 100}
	opts.IssuerOptions.ClusterResourceNamespace = "cert-manager"
	opts.CertificateOptions.CopiedAnnotationPrefixes = []string{"*", "-kubectl.kubernetes.io/"}
	opts.IngressShimOptions.DefaultIssuerKind = "Issuer"
	opts.IngressShimOptions.DefaultIssuerGroup = "cert-manager.io"
	opts.SchedulerOptions.MaxConcurrentChallenges = 60
	factory, err := controller.NewContextFactory(ctx, opts)
	if err != nil {
		panic(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		panic(err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: "kube-system", Name: "cert-manager-controller"},
		Client:     client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: "cert-manager-external-cert-manager-controller"},
	}
	names := []string{
		ingresses.ControllerName, approver.ControllerName, crca.CRControllerName, crself.CRControllerName,
		issuing.ControllerName, keymanager.ControllerName, readiness.ControllerName, requestmanager.ControllerName,
		revisionmanager.ControllerName, trigger.ControllerName, clusterissuers.ControllerName, issuers.ControllerName,
	}
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: 60 * time.Second, RenewDeadline: 40 * time.Second, RetryPeriod: 15 * time.Second,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				built, err := factory.Build("controller")
				if err != nil {
					panic(err)
				}
				var group sync.WaitGroup
				for _, name := range names {
					made, err := controller.Known()[name](factory)
					if err != nil {
						panic(name + ": " + err.Error())
					}
					group.Add(1)
					go func() {
						defer group.Done()
						if err := made.Run(2, ctx); err != nil {
							println(name, err.Error())
						}
					}()
				}
				built.SharedInformerFactory.Start(ctx.Done())
				built.KubeSharedInformerFactory.Start(ctx.Done())
				built.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
				group.Wait()
			},
			OnStoppedLeading: func() {},
		},
	})
}
