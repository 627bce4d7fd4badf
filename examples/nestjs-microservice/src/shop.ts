/** The other side: emits an event for every order, asks for the summary now and then, and in the end. */
import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { ClientProxy } from "@nestjs/microservices";
import { firstValueFrom, retry, timeout } from "rxjs";
import { HeldClient } from "./held-client.ts";
import { natsOptions } from "./nats-options.ts";
import type { Order, Summary } from "./orders.controller.ts";

const ORDERS = Symbol("orders");
const count = Number(process.env.ORDERS ?? 300);

@Module({ providers: [{ provide: ORDERS, useFactory: () => new HeldClient(natsOptions("shop")) }] })
class ShopModule {}

const app = await NestFactory.createApplicationContext(ShopModule);
const client = app.get<ClientProxy>(ORDERS);
await client.connect();
const questions: Promise<Summary>[] = [];

for (let id = 1; id <= count; id++) {
  const order: Order = { id, amount: 10 };
  // Resolves when the event is sent or held; rejects when there is no room to hold it.
  await firstValueFrom(client.emit("order.placed", order), { defaultValue: undefined });
  if (id % 50 === 0) {
    questions.push(ask());
    console.log(`emitted ${id}`);
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
}

const answers = await Promise.all(questions);
const summary = await ask();
console.log(`answers ${answers.length}`);
console.log(`summary ${JSON.stringify(summary)}`);
await app.close();

/** Waits for its answer also through an outage. A question that was on its way when the connection broke is not sent again: it is asked again. */
function ask(): Promise<Summary> {
  return firstValueFrom(client.send<Summary>("orders.summary", {}).pipe(timeout(3_000), retry({ delay: 500 })));
}
