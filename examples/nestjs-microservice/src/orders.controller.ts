import { Controller, Logger } from "@nestjs/common";
import { EventPattern, MessagePattern } from "@nestjs/microservices";

/** An event of the shop. */
export interface Order {
  readonly id: number;
  readonly amount: number;
}

/** The answer to `orders.summary`. */
export interface Summary {
  readonly orders: number;
  readonly amount: number;
  /** Events that came a second time. */
  readonly repeated: number;
}

@Controller()
export class OrdersController {
  private readonly logger = new Logger("Orders");
  private readonly orders = new Map<number, Order>();
  private repeated = 0;

  /** An event: no answer. With at-least-once it can come twice, and says which order it is. */
  @EventPattern("order.placed")
  placed(order: Order): void {
    if (this.orders.has(order.id)) this.repeated++;
    this.orders.set(order.id, order);
    if (this.orders.size % 50 === 0) this.logger.log(`${this.orders.size} orders`);
  }

  /** A request: what it returns is the answer. */
  @MessagePattern("orders.summary")
  summary(): Summary {
    const amount = [...this.orders.values()].reduce((sum, order) => sum + order.amount, 0);
    return { orders: this.orders.size, amount, repeated: this.repeated };
  }
}
