import { isIP } from "node:net";
import type { EdgeAddress } from "../control/edge-publisher/ingress-status.ts";
import type { Replica } from "../control/leadership/replicas.ts";
import { LintelError } from "../ground/errors.ts";
import { arrayAt, recordAt, stringAt } from "../ground/json.ts";
import { SERVICE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import type { ClusterWishes } from "./cluster-settings.ts";

/**
 * Returns where clients reach the edge, for the status of Ingresses: the addresses that were named, else those of the
 * published Service, else those of the nodes that replicas run on. Throws NotFound when there is no such Service.
 */
export async function edgeAddresses(
  store: Pick<Store, "get">,
  wishes: Pick<ClusterWishes, "publishService" | "publishAddresses">,
  replicas: readonly Replica[],
): Promise<readonly EdgeAddress[]> {
  if (wishes.publishAddresses.length > 0) return wishes.publishAddresses.map(addressOf);
  if (wishes.publishService === "") return sorted(replicas.map(({ edgeAddress }) => edgeAddress)).map(addressOf);
  const [namespace = "", name = ""] = wishes.publishService.split("/");
  const service = await store.get(SERVICE, namespace, name);
  if (service !== undefined) return addressesOfService(service);
  throw new LintelError(`There is no Service "${wishes.publishService}"`, {
    code: "NotFound",
    fault: "user",
    hint: "Name the Service before the edge with --publish-service NAMESPACE/NAME",
  });
}

/** In the order in which ingress-nginx looks: an external name, the balancer, external IPs, the cluster's own. */
function addressesOfService(service: KubeObject): readonly EdgeAddress[] {
  const { spec } = service;
  const balancers = arrayAt(recordAt(service["status"], "loadBalancer"), "ingress").flatMap((entry) => {
    const address = stringAt(entry, "ip") ?? stringAt(entry, "hostname");
    return address === undefined ? [] : [address];
  });
  const external = arrayAt(spec, "externalIPs").filter((entry): entry is string => typeof entry === "string");
  const type = stringAt(spec, "type") ?? "ClusterIP";
  if (type === "ExternalName") return [{ hostname: stringAt(spec, "externalName") ?? "" }];
  if (type === "LoadBalancer") return sorted([...balancers, ...external]).map(addressOf);
  const clusterIp = stringAt(spec, "clusterIP") ?? "None";
  return (external.length > 0 ? sorted(external) : clusterIp === "None" ? [] : [clusterIp]).map(addressOf);
}

function sorted(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses.filter((address) => address !== ""))].sort();
}

function addressOf(address: string): EdgeAddress {
  return isIP(address) === 0 ? { hostname: address } : { ip: address };
}
