import type { Http } from './http.js'
import type * as api from './openapi.js'

/** The devices of the user that are told of messages while the user is away. */
export class Push {
  constructor(private readonly http: Http, private readonly as: () => string | undefined) {}

  /** The subscriptions, without their secrets, and the key with which browsers subscribe, where the server has one. */
  list(): Promise<api.PushSubscriptionsResponse> {
    return this.http.json('GET', '/api/push/subscriptions', { query: { as: this.as() } })
  }

  /** Adds a device, or replaces its subscription. */
  async subscribe(subscription: api.PushSubscription): Promise<void> {
    await this.http.json('PUT', '/api/push/subscriptions', { query: { as: this.as() }, body: subscription })
  }

  async unsubscribe(device: string): Promise<void> {
    await this.http.json('DELETE', '/api/push/subscriptions', { query: { as: this.as(), device } })
  }
}
