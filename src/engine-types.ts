/**
 * The parts of the Engine API's objects that we read, named as the API names them
 * (https://docs.docker.com/reference/api/engine/, versions 1.41 to 1.51). Anything may be missing on an older engine.
 */
export interface Version {
  readonly Index: number
}

export interface ServiceSpec {
  readonly Name: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly TaskTemplate: {
    readonly ContainerSpec?: {
      readonly Image: string
      readonly Env?: readonly string[]
      readonly Healthcheck?: {
        readonly Test?: readonly string[]
        readonly Interval?: number
        readonly Timeout?: number
        readonly StartPeriod?: number
        readonly Retries?: number
      }
      readonly Secrets?: readonly { readonly SecretID: string; readonly SecretName: string }[]
      readonly Configs?: readonly { readonly ConfigID: string; readonly ConfigName: string }[]
      readonly [key: string]: unknown
    }
    readonly RestartPolicy?: { readonly Condition?: string; readonly MaxAttempts?: number; readonly Delay?: number }
    readonly Placement?: { readonly Constraints?: readonly string[]; readonly MaxReplicas?: number }
    readonly Networks?: readonly { readonly Target: string; readonly Aliases?: readonly string[] }[]
    readonly ForceUpdate?: number
    readonly [key: string]: unknown
  }
  readonly Mode?: {
    readonly Replicated?: { readonly Replicas?: number }
    readonly Global?: object
    readonly ReplicatedJob?: { readonly MaxConcurrent?: number; readonly TotalCompletions?: number }
    readonly GlobalJob?: object
  }
  readonly UpdateConfig?: UpdateConfig
  readonly RollbackConfig?: UpdateConfig
  readonly EndpointSpec?: {
    readonly Ports?: readonly {
      readonly Protocol?: string
      readonly PublishedPort?: number
      readonly PublishMode?: string
      readonly [key: string]: unknown
    }[]
    readonly [key: string]: unknown
  }
}

export interface UpdateConfig {
  readonly Parallelism?: number
  /** Nanoseconds. */
  readonly Delay?: number
  readonly FailureAction?: string
  /** Nanoseconds. */
  readonly Monitor?: number
  readonly MaxFailureRatio?: number
  readonly Order?: string
}

export interface Service {
  readonly ID: string
  readonly Version: Version
  readonly CreatedAt?: string
  readonly UpdatedAt?: string
  readonly Spec: ServiceSpec
  readonly PreviousSpec?: ServiceSpec
  readonly UpdateStatus?: {
    readonly State?: string
    readonly StartedAt?: string
    readonly CompletedAt?: string
    readonly Message?: string
  }
  /** Only when asked for with `status=true`. */
  readonly ServiceStatus?: {
    readonly RunningTasks: number
    readonly DesiredTasks: number
    readonly CompletedTasks?: number
  }
  readonly JobStatus?: { readonly JobIteration?: Version; readonly LastExecution?: string }
  /** What the swarm made of the published ports in ingress mode; those in host mode are the tasks'. */
  readonly Endpoint?: { readonly Ports?: readonly PublishedPort[] }
}

export interface PublishedPort {
  readonly Protocol?: string
  readonly TargetPort?: number
  readonly PublishedPort?: number
}

export interface Task {
  readonly ID: string
  readonly Version: Version
  readonly CreatedAt?: string
  readonly UpdatedAt?: string
  readonly Spec: ServiceSpec['TaskTemplate']
  readonly ServiceID: string
  readonly Slot?: number
  readonly NodeID?: string
  readonly Status: {
    readonly Timestamp?: string
    readonly State: string
    readonly Message?: string
    readonly Err?: string
    readonly ContainerStatus?: { readonly ContainerID?: string; readonly PID?: number; readonly ExitCode?: number }
    readonly PortStatus?: {
      readonly Ports?: readonly PublishedPort[]
    }
  }
  readonly DesiredState: string
  readonly JobIteration?: Version
}

export interface Node {
  readonly ID: string
  readonly Version: Version
  readonly Spec: {
    readonly Role?: string
    readonly Availability?: string
    readonly Labels?: Readonly<Record<string, string>>
  }
  readonly Description?: {
    readonly Hostname?: string
    readonly Platform?: { readonly Architecture?: string; readonly OS?: string }
    readonly Engine?: { readonly EngineVersion?: string }
    readonly Resources?: { readonly NanoCPUs?: number; readonly MemoryBytes?: number }
  }
  readonly Status: { readonly State?: string; readonly Message?: string; readonly Addr?: string }
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability?: string; readonly Addr?: string }
}

/** A secret or a config; `Data` (base64) comes back for configs only. */
export interface SwarmObject {
  readonly ID: string
  readonly Version: Version
  readonly CreatedAt?: string
  readonly UpdatedAt?: string
  readonly Spec: { readonly Name: string; readonly Labels?: Readonly<Record<string, string>>; readonly Data?: string }
}

export interface Network {
  readonly Id: string
  readonly Name: string
  readonly Scope?: string
  readonly Driver?: string
  readonly Attachable?: boolean
  readonly Internal?: boolean
  readonly Options?: Readonly<Record<string, string>> | null
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string }[] | null }
  readonly Labels?: Readonly<Record<string, string>>
}

export interface Info {
  readonly ID?: string
  readonly Name?: string
  readonly ServerVersion?: string
  readonly Architecture?: string
  readonly OSType?: string
  readonly SystemTime?: string
  readonly DockerRootDir?: string
  readonly SecurityOptions?: readonly string[]
  readonly Swarm?: {
    readonly NodeID?: string
    readonly NodeAddr?: string
    readonly LocalNodeState?: string
    readonly ControlAvailable?: boolean
    readonly Error?: string
    readonly RemoteManagers?: readonly { readonly NodeID: string; readonly Addr: string }[] | null
    readonly Nodes?: number
    readonly Managers?: number
    readonly Cluster?: {
      readonly ID?: string
      readonly Spec?: { readonly Orchestration?: { readonly TaskHistoryRetentionLimit?: number } }
    }
  }
}

export interface EngineEvent {
  readonly Type: string
  readonly Action: string
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> }
  readonly scope?: string
  readonly timeNano?: number
}
