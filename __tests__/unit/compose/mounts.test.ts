import { describe, expect, it } from '@jest/globals'
import type { JsonObject } from '../../../src/model.js'
import type { PathInfo } from '../../../src/compose/project.js'
import { rules, translated, web } from './project.js'

const bind = (source: string, target = '/etc/x', rest: object = {}): object => ({
  type: 'bind',
  source,
  target,
  bind: { create_host_path: true, selinux: 'z' },
  ...rest
})

describe('mounts', () => {
  it.each([
    [
      'a volume',
      { type: 'volume', source: 'd', target: '/d', volume: { nocopy: true, subpath: 's' } },
      { type: 'volume', source: 'd', target: '/d', volume: { nocopy: true, subpath: 's' } }
    ],
    ['an anonymous volume', { type: 'volume', target: '/d', volume: {} }, { type: 'volume', target: '/d' }],
    [
      'a folder of the server',
      bind('/srv/x', '/x', { read_only: true }),
      { type: 'bind', source: '/srv/x', target: '/x', read_only: true }
    ],
    [
      'propagation stays',
      { type: 'bind', source: '/x', target: '/x', bind: { propagation: 'rslave' } },
      { type: 'bind', source: '/x', target: '/x', bind: { propagation: 'rslave' } }
    ],
    [
      'sizes are numbers',
      { type: 'tmpfs', target: '/x', tmpfs: { size: '10485760', mode: 511 } },
      { type: 'tmpfs', target: '/x', tmpfs: { size: 10485760 } }
    ],
    [
      'a volume of one letter',
      { type: 'volume', target: 'v:/data', volume: {} },
      { type: 'volume', source: 'v', target: '/data' }
    ]
  ])('%s', (_, mount, expected) => {
    expect(web({ volumes: [mount] })['volumes']).toEqual([expected])
  })

  it('declares the volume of one letter that compose dropped', () => {
    const { stack } = translated({ web: { image: 'a:1', volumes: [{ type: 'volume', target: 'v:/data' }] } })
    expect(stack.volumes).toEqual({ v: {} })
  })

  it('tmpfs and shm_size become mounts', () => {
    expect(web({ tmpfs: ['/run', '/tmp:size=64m,mode=1777'], shm_size: '67108864' })['volumes']).toEqual([
      { type: 'tmpfs', target: '/run' },
      { type: 'tmpfs', target: '/tmp', tmpfs: { size: 67108864 } },
      { type: 'tmpfs', target: '/dev/shm', tmpfs: { size: 67108864 } }
    ])
  })

  it('a finding points at its entry, whatever its list and the slash at its end', () => {
    const text =
      'services:\n  web:\n    volumes:\n      - a:/a\n      - ./conf/:/x/\n    tmpfs:\n      - /b\n      - /run:exec\n'
    const volumes = [{ type: 'volume', source: 'a', target: '/a' }, bind('/repo/conf', '/x')]
    const paths = { '/repo/conf': { kind: 'file', size: 1, mode: 0o644 } } as const
    const { findings } = translated(
      { web: { image: 'a:1', volumes, tmpfs: ['/b', '/run:exec'] } },
      { project: { paths, sources: [{ file: 'compose.yaml', text }] } }
    )
    const lines = (rule: string) => findings.filter(finding => finding.rule === rule).map(({ line }) => line)
    expect(lines('bind-as-config')).toEqual([5])
    expect(lines('lost-mount-option')).toEqual([8])
  })

  it('a volume that every node mounts from elsewhere is not on one node', () => {
    const found = (driver_opts: JsonObject) =>
      rules(
        translated(
          { web: { image: 'a:1', volumes: [{ type: 'volume', source: 'd', target: '/d' }] } },
          { model: { volumes: { d: { driver: 'local', driver_opts } } } }
        )
      )
    expect(found({ type: 'nfs', o: 'addr=10.0.0.1', device: ':/x' })).not.toContain('node-volume')
    expect(found({ type: 'none', o: 'bind', device: '/srv/x' })).toContain('node-volume')
  })

  it('one target is mounted once', () => {
    const volumes = [{ type: 'volume', source: 'd', target: '/tmp' }]
    expect(web({ volumes, tmpfs: ['/tmp/'] })['volumes']).toEqual([{ type: 'volume', source: 'd', target: '/tmp' }])
  })
})

describe('binds of the repository', () => {
  const withPath = (info: PathInfo, extra: object = {}) =>
    translated(
      { web: { image: 'a:1', volumes: [bind('/repo/conf', '/etc/x/'), extra].filter(mount => 'type' in mount) } },
      { project: { paths: { '/repo/conf': info } } }
    )

  it('a file becomes a config with its mode', () => {
    const result = withPath({ kind: 'file', size: 5, mode: 0o100755 })
    const service = result.stack.services['web']
    expect(service?.['volumes']).toBeUndefined()
    expect(service?.configs).toEqual([
      { source: expect.stringMatching(/^conf-[0-9a-f]{8}$/), target: '/etc/x/', mode: 0o755 }
    ])
    expect(result.needs).toEqual([
      {
        kind: 'config',
        key: expect.any(String),
        source: { from: 'file', path: '/repo/conf', mode: 0o755 },
        services: ['web']
      }
    ])
    expect(result.stack.configs).toEqual({
      [result.needs[0]?.key ?? '']: { external: true, name: result.needs[0]?.key }
    })
  })

  it('a directory becomes a config for each file that is not empty', () => {
    const files = [
      { path: 'a.sql', size: 1, mode: 0o644 },
      { path: '.gitkeep', size: 0, mode: 0o644 },
      { path: 'sub/$b', size: 1, mode: 0o600 }
    ]
    const { stack } = withPath({ kind: 'directory', files })
    expect(stack.services['web']?.configs?.map(config => (config as { target: string }).target)).toEqual([
      '/etc/x/a.sql',
      '/etc/x/sub/$$b'
    ])
  })

  it('two services share the config of one file', () => {
    const service = { image: 'a:1', volumes: [bind('/repo/conf')] }
    const { needs } = translated(
      { a: service, b: service },
      { project: { paths: { '/repo/conf': { kind: 'file', size: 1, mode: 0o644 } } } }
    )
    expect(needs.map(({ services }) => services)).toEqual([['a', 'b']])
  })

  const small = { path: 'x', size: 1, mode: 0o644 }
  it.each<[string, PathInfo, string]>([
    ['missing', { kind: 'missing' }, 'bind-missing'],
    ['a socket', { kind: 'other' }, 'bind-missing'],
    ['empty', { kind: 'file', size: 0, mode: 0o644 }, 'bind-empty'],
    ['a large file', { kind: 'file', size: 1_024_000, mode: 0o644 }, 'bind-too-large'],
    ['many files', { kind: 'directory', files: Array.from({ length: 65 }, () => small) }, 'bind-too-large'],
    ['an empty directory', { kind: 'directory', files: [] }, 'bind-missing'],
    ['a directory with a large file', { kind: 'directory', files: [{ ...small, size: 1_024_000 }] }, 'bind-too-large']
  ])('%s is an error', (_, info, rule) => {
    const result = withPath(info)
    expect(result.findings.filter(({ level }) => level === 'error').map(finding => finding.rule)).toEqual([rule])
    expect(result.stack.services['web']?.configs).toBeUndefined()
  })

  it('a symbolic link is called one, with what to do', () => {
    const [finding] = withPath({ kind: 'link' }).findings.filter(({ level }) => level === 'error')
    expect(finding?.rule).toBe('bind-missing')
    expect(finding?.message).toBe(
      'web mounts conf, which is a symbolic link: only files and folders travel to the servers.'
    )
    expect(finding?.remedy).toMatch(/what it points to/)
  })

  it('a socket is not called missing', () => {
    const [finding] = withPath({ kind: 'other' }).findings.filter(({ level }) => level === 'error')
    expect(finding?.message).toBe('web mounts conf, which is neither a file nor a folder, so no server will have it.')
  })

  it('outside of the repository it is an error where it was written as a relative path', () => {
    const source = (text: string) => [
      { file: 'compose.yaml', text: `services:\n  web:\n    volumes:\n      - ${text}:/etc/x\n` }
    ]
    const result = (text: string) =>
      rules(
        translated({ web: { image: 'a:1', volumes: [bind('/home/runner/x')] } }, { project: { sources: source(text) } })
      )
    expect(result('../x')).toContain('bind-missing')
    expect(result('~/x')).toContain('bind-missing')
    expect(result('/home/runner/x')).toContain('absolute-bind')
  })
})
