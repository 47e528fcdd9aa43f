/** A record of the Engine API, as it came. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Raw = Record<string, any>

/** The parts of a service that src/engine-types.ts names. */
export function trimService(service: Raw): Raw {
  const { ID, Version, CreatedAt, UpdatedAt, Spec, PreviousSpec, UpdateStatus, JobStatus } = service
  return defined({
    ID,
    Version,
    CreatedAt,
    UpdatedAt,
    Spec: trimSpec(Spec),
    PreviousSpec: PreviousSpec && trimSpec(PreviousSpec),
    UpdateStatus,
    JobStatus
  })
}

function trimSpec({ Name, Labels, TaskTemplate, Mode, UpdateConfig, RollbackConfig }: Raw): Raw {
  return defined({ Name, Labels, TaskTemplate: trimTemplate(TaskTemplate), Mode, UpdateConfig, RollbackConfig })
}

function trimTemplate({ ContainerSpec, RestartPolicy, Placement, Resources, ForceUpdate }: Raw): Raw {
  const { Image, Args, Command, Env, Healthcheck, Secrets, Configs } = ContainerSpec ?? {}
  return defined({
    ContainerSpec: defined({ Image, Command, Args, Env, Healthcheck, Secrets, Configs }),
    RestartPolicy,
    Placement,
    Resources,
    ForceUpdate
  })
}

/** Of a task's spec only what the verdict asks for. */
export function trimTask(task: Raw): Raw {
  const { ID, Version, CreatedAt, UpdatedAt, ServiceID, Slot, NodeID, DesiredState, JobIteration } = task
  const { Timestamp, State, Message, Err, ContainerStatus } = task.Status
  const { Image, Healthcheck } = task.Spec.ContainerSpec ?? {}
  return defined({
    ID,
    Version,
    CreatedAt,
    UpdatedAt,
    Spec: defined({ ContainerSpec: defined({ Image, Healthcheck }), RestartPolicy: task.Spec.RestartPolicy }),
    ServiceID,
    Slot,
    NodeID,
    Status: defined({ Timestamp, State, Message, Err, ContainerStatus }),
    DesiredState,
    JobIteration
  })
}

/** The parts of a node that the verdict and the diagnosis read. */
export function trimNode({ ID, Version, Spec, Description, Status, ManagerStatus }: Raw): Raw {
  const { Hostname, Platform } = Description ?? {}
  return defined({
    ID,
    Version,
    Spec,
    Description: defined({ Hostname, Platform }),
    Status: defined({ State: Status.State, Message: Status.Message }),
    ManagerStatus: ManagerStatus && defined({ Leader: ManagerStatus.Leader, Reachability: ManagerStatus.Reachability })
  })
}

function defined(record: Raw): Raw {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined && value !== null))
}
