import type { Problem } from '../errors.js'

/** The runner did not take what a run leaves for later steps and for people. */
export function notHandedOn(what: string, reason: string): Problem {
  return {
    message: `The job’s ${what} could not be written: ${reason}`,
    remedy:
      'How the run ended is as its log says, but what comes after it in this job sees nothing of it. Is the runner’s disk full?'
  }
}

/** The swarm was to say which port it has given a preview, once that was deployed. */
export function previewUrlUnknown(stack: string, reason: string): Problem {
  return {
    message: `The URL of ${stack} is not known: the engine did not say which port the swarm has given it. ${reason}`,
    remedy: 'Run the job again to have it in the comment and the output `url`.'
  }
}
