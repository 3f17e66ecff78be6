#!/usr/bin/env python3
"""The device of main.go in Python: it measures, asks a back end when to measure again, and beeps when a back end wants it.

    DEVICE_TOKEN=... python3 device.py --server 127.0.0.1:5001 --uid sensor1
"""

import argparse
import json
import os
import random
import socket
import sys
import time

PING_AFTER = 60  # seconds; below DEVICE_IDLE, and below what routers forget
ANSWERS = 10  # seconds
LONGEST = 60  # seconds between two attempts to connect
REMEMBERS = 1000  # uids that the server may send again


class Replaced(Exception):
    """Another device with this uid has connected."""


class Device:
    def __init__(self, server, uid, every):
        host, _, port = server.rpartition(":")
        self.address, self.uid, self.every = (host, int(port)), uid, every
        self.number, self.unanswered, self.next = 0, None, 0.0
        self.done = []  # uids of what was done; a device that restarts keeps them in a file

    def session(self):
        """Serves one connection until it ends."""
        with socket.create_connection(self.address, timeout=10) as self.conn:
            self.write("connect", "connect", {"token": os.environ.get("DEVICE_TOKEN", "")})
            received, heard, pinged, connected = b"", time.monotonic(), False, False
            while True:
                quiet = heard + PING_AFTER + (ANSWERS if pinged else 0)
                until = min(quiet, self.next) if connected else quiet
                self.conn.settimeout(max(0.01, until - time.monotonic()))
                try:
                    part = self.conn.recv(4096)
                except socket.timeout:
                    if time.monotonic() < quiet:
                        if connected and time.monotonic() >= self.next:
                            self.measure()
                    elif pinged:
                        raise ConnectionError("the server is silent")
                    else:
                        self.send(b"Ping\n")
                        pinged = True
                    continue
                if not part:
                    raise ConnectionError("the server has closed the connection")
                heard, pinged = time.monotonic(), False
                received += part
                *lines, received = received.split(b"\n")
                for line in lines:
                    if line != b"Pong":
                        connected = self.obey(json.loads(line)) or connected

    def obey(self, o):
        """Does what a line says. True: the device is connected."""
        action, uid, status = o["action"], o.get("uid", ""), o.get("status", "")
        if action == "connect.response":
            if status != "ok":
                raise ConnectionError(o["errorMessage"])
            print("connected", flush=True)
            if self.unanswered:  # it may not have arrived
                self.write(*self.unanswered)
            return True
        if action == "replaced":
            raise Replaced()
        if not uid and not status:  # reconnect, idle, expired, full: the server closes
            raise ConnectionError(action)
        if action == "ack.response":
            return False
        if uid not in self.done:
            self.act(o)
            self.done = self.done[-REMEMBERS:] + [uid]
        self.write("ack", uid)
        return False

    def act(self, o):
        """Does what a back end wants."""
        data = o.get("data") or {}
        if self.unanswered and o["uid"] == self.unanswered[1]:
            self.unanswered = None
            print("response:", o["status"], o["errorMessage"], json.dumps(o["data"], separators=(",", ":")), flush=True)
            if data.get("next"):
                self.every = data["next"]
                self.next = time.monotonic() + self.every
        elif o["action"] == "beep":
            print("beep", data.get("times", 0), flush=True)
        else:
            print("unknown:", o["action"], flush=True)

    def measure(self):
        """Tells the back end a temperature."""
        self.number += 1
        uid = "%d-%d" % (time.time(), self.number)  # once in the life of the device
        self.unanswered = ("measured", uid, {"celsius": round(20 + 5 * random.random(), 2)})
        self.write(*self.unanswered)
        self.next = time.monotonic() + self.every

    def write(self, action, uid, data=None):
        self.send(json.dumps({"action": action, "deviceUid": self.uid, "uid": uid, "data": data}).encode() + b"\n")

    def send(self, line):
        self.conn.settimeout(10)
        self.conn.sendall(line)


def main():
    flags = argparse.ArgumentParser()
    flags.add_argument("--server", default="127.0.0.1:5001", help="the address of the server")
    flags.add_argument("--uid", default="sensor1", help="the device")
    flags.add_argument("--every", type=float, default=10, help="seconds between measurements, until a back end says something else")
    given = flags.parse_args()
    device, wait = Device(given.server, given.uid, given.every), 1
    while True:
        began = time.monotonic()
        try:
            device.session()
        except Replaced:
            sys.exit("another device with this uid has connected")
        except (OSError, ValueError) as error:
            if time.monotonic() - began > LONGEST:
                wait = 1
            print(error, "again in", wait, "s", file=sys.stderr)
        time.sleep(wait * (0.5 + random.random()))  # all devices of a server that stops come back at different times
        wait = min(2 * wait, LONGEST)


if __name__ == "__main__":
    main()
