import { sha256 } from '../hash.js'

/**
 * The most characters of a preview's stack name. A service's full name, `stack_service`, is at most 63 characters
 * (it is a DNS label), so 22 are left for the service.
 */
const longestPreviewStack = 40

/** Label of everything in a preview: which pull request it belongs to. */
export function previewLabel(repository: string, number: number): string {
  return `${repository}#${number}`
}

/** The pull request that a preview label names; null when the label is not one. */
export function parsePreviewLabel(label: string): { readonly repository: string; readonly number: number } | null {
  const match = /^([A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+)#(\d{1,15})$/.exec(label)
  return match?.[1] && match[2] ? { repository: match[1], number: Number(match[2]) } : null
}

/**
 * `<stack>-pr-<number>`: lower case letters, digits and hyphens, at most 40 characters. A stack name that had to be
 * changed or cut for that carries a part of its hash, so that two stacks never share the name of a preview.
 */
export function previewStack(stack: string, number: number): string {
  const suffix = `-pr-${number}`
  return bounded(stack, longestPreviewStack - suffix.length) + suffix
}

/**
 * A branch name as one DNS label of at most `longest` characters: `feature/Login_Form` becomes `feature-login-form`.
 * One that is too long, or that had characters which nothing stands for, ends in a part of its hash.
 */
export function branchLabel(branch: string, longest = 63): string {
  const label = dnsLabel(branch)
  const lossless = /^[A-Za-z0-9/_.-]+$/.test(branch)
  return label !== '' && lossless && label.length <= longest ? label : hashed(label || 'branch', branch, longest)
}

function bounded(name: string, longest: number): string {
  const label = dnsLabel(name)
  return label === name && label.length <= longest ? label : hashed(label || 'stack', name, longest)
}

/** No two hyphens in a row: `xn--` would be read as an internationalised name. */
function dnsLabel(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

function hashed(label: string, of: string, longest: number): string {
  const hash = sha256(of, 6)
  const readable = label.slice(0, Math.max(0, longest - 7)).replace(/-$/, '')
  return (readable === '' ? `b${hash}` : `${readable}-${hash}`).slice(0, longest)
}
