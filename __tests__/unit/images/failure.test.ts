import { describe, expect, it } from '@jest/globals'
import { isRefusal, readFailure } from '../../../src/images/failure.js'

const step = `#7 [web 2/2] RUN ["/bin/busybox","sh","-c","echo reason one; exit 3"]
#7 0.081 reason one
#7 ERROR: process "/bin/busybox sh -c echo reason one; exit 3" did not complete successfully: exit code: 3
------
 > [web 2/2] RUN ["/bin/busybox","sh","-c","echo reason one; exit 3"]:
0.081 reason one
0.081 reason two
------
docker/Bad:3
--------------------
   2 |     COPY busybox /bin/busybox
   3 | >>> RUN ["/bin/busybox","sh","-c","echo reason one; exit 3"]
--------------------
ERROR: target web: failed to solve: process "/bin/busybox sh -c echo reason one; exit 3" did not complete successfully: exit code: 3
`
const push = (error: string): string => `#7 exporting layers done
------
 > pushing 127.0.0.1:5998/web:sha-1 with docker:
------
ERROR: failed to solve: failed to push 127.0.0.1:5998/web:sha-1: ${error}
`

describe('readFailure', () => {
  it("finds the failing step's own lines, and its place", () => {
    const failure = readFailure(step)
    expect(failure).toMatchObject({
      kind: 'step',
      reason: 'process "/bin/busybox sh -c echo reason one; exit 3" did not complete successfully: exit code: 3',
      dockerfile: { file: 'docker/Bad', line: 3, target: 'web' }
    })
    expect(failure.details).toContain('reason two')
    expect(failure.details.startsWith('------')).toBe(true)
  })

  it.each([
    ['dial tcp 127.0.0.1:5998: connect: connection refused', 'push-broken'],
    ['unexpected status from PUT request to http://r/v2/web/manifests/1: 503 Service Unavailable', 'push-broken'],
    ['failed to do request: Put "http://r/v2/": EOF', 'push-broken'],
    [
      'failed to do request: Head "https://r/v2/web/blobs/sha256:a": http: server closed idle connection',
      'push-broken'
    ],
    ['failed to do request: Head "https://r/v2/": tls: failed to verify certificate: x509: unknown authority', 'step'],
    ['failed to do request: Head "https://r/v2/": http: server gave HTTP response to HTTPS client', 'step'],
    ['denied: permission_denied: write_package', 'push-refused'],
    ['unexpected status from POST request to https://ghcr.io/v2/: 403 Forbidden', 'push-refused'],
    ['push access denied, repository does not exist or may require authorization', 'push-refused'],
    ['server message: insufficient_scope: authorization failed', 'push-refused'],
    ['no space left on device', 'step']
  ])('a push that ends with %s is %s', (error, kind) => {
    expect(readFailure(push(error)).kind).toBe(kind)
  })

  it('finds the push that was refused behind a cache that was not there either', () => {
    const stderr = `#9 ERROR: no basic auth credentials
------
 > importing cache manifest from 127.0.0.1:5998/web:main:
------
------
 > pushing 127.0.0.1:5998/web:sha-1 with docker:
------
ERROR: no basic auth credentials
`
    expect(readFailure(stderr)).toMatchObject({ kind: 'push-refused', reason: 'no basic auth credentials' })
  })

  it('does not take a step that is refused something for a push', () => {
    expect(readFailure(step.replaceAll('reason one', 'npm: 403 Forbidden')).kind).toBe('step')
  })

  it('takes the last lines where bake says nothing else', () => {
    expect(readFailure('unknown flag: --allow\n\n')).toEqual({
      kind: 'step',
      reason: 'unknown flag: --allow',
      details: 'unknown flag: --allow'
    })
    expect(readFailure('').reason).toBe('no output')
    expect(
      readFailure(Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n')).details.split('\n')
    ).toHaveLength(40)
  })
})

describe('a registry that says no is there', () => {
  it.each([
    [404, 'manifest unknown'],
    [401, ''],
    [500, 'Head "https://r.test/v2/app/manifests/1": no basic auth credentials'],
    [500, 'pull access denied for app, repository does not exist']
  ])('%d %s', (status, words) => expect(isRefusal(status, words)).toBe(true))

  it.each([
    [500, 'Get "https://r.test/v2/": dial tcp: lookup r.test: no such host'],
    [503, 'received unexpected HTTP status: 503 Service Unavailable'],
    [0, 'socket hang up']
  ])('but not by %d %s', (status, words) => expect(isRefusal(status, words)).toBe(false))
})
