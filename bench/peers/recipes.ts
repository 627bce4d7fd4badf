import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Recipe } from "./native.ts";

/** Modules come through Go's proxy; go.sum has their hashes. */
export const go: Recipe = {
  folder: "go",
  compiler: "go",
  build: (run, { output }) => run("go", ["build", "-trimpath", "-o", output, "."]),
};

/** Crates come from crates.io; Cargo.lock has their hashes. Some minutes, once. */
export const rust: Recipe = {
  folder: "rust",
  compiler: "cargo",
  build: async (run, { work, output }) => {
    const built = await run("cargo", ["build", "--release", "--locked", "--quiet", "--target-dir", join(work, "target")]);
    if (built.ok) copyFileSync(join(work, "target/release/holdfast-bench-peer"), output);
    rmSync(join(work, "target"), { recursive: true, force: true });
    return built;
  },
};

/** The library comes from Debian's packages, unpacked beside the program without root. */
export const c: Recipe = {
  folder: "c",
  compiler: "gcc",
  build: async (run, { folder, work, output }) => {
    const got = await run("apt-get", ["download", "libnats-dev", "libnats3.4", "libprotobuf-c1"], work);
    if (!got.ok) return got;
    for (const file of readdirSync(work).filter((name) => name.endsWith(".deb"))) {
      const unpacked = await run("dpkg", ["-x", file, "."], work);
      if (!unpacked.ok) return unpacked;
    }
    const triple = (await run("gcc", ["-print-multiarch"])).stdout.trim();
    const libraries = join("usr/lib", triple);
    // The old kind of path, which also finds what the library itself needs.
    const path = `-Wl,--disable-new-dtags,-rpath,$ORIGIN/${libraries}`;
    const args = ["-O2", "-o", output, join(folder, "main.c"), `-I${join(work, "usr/include")}`, `-L${join(work, libraries)}`];
    return await run("gcc", [...args, "-l:libnats.so.3.4", path, `-Wl,-rpath-link,${join(work, libraries)}`], work);
  },
};
