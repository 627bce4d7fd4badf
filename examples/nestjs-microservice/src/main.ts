/** The microservice: hears of orders, and answers for them. */
import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { type MicroserviceOptions, Transport } from "@nestjs/microservices";
import { natsOptions } from "./nats-options.ts";
import { OrdersController } from "./orders.controller.ts";

@Module({ controllers: [OrdersController] })
class OrdersModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(OrdersModule, {
  transport: Transport.NATS,
  options: { ...natsOptions("orders"), queue: "orders" },
});
app.enableShutdownHooks();
await app.listen();
console.log("orders is listening");
