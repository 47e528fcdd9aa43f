import { jest } from '@jest/globals'

/**
 * On a machine that is short of processors an engine fails tasks by itself (no address left in a network, a container
 * that does not start in time), which no verdict can make good. Such a test is tried once more, with its first failure shown.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true })
