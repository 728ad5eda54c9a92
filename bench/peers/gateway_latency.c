/* Latencies as a histogram: 64 buckets for each doubling, so that a figure is at most 1.6 % too high. */
#include "gateway_load.h"

#include <string.h>

enum { SUB = 64, BUCKETS = SUB * 40 };

static uint64_t histogram[BUCKETS], highest, total;

static int shift_of(uint64_t us) { return us < 2 * SUB ? 0 : 63 - __builtin_clzll(us) - 6; }

void note_latency(uint64_t us) {
  int shift = shift_of(us);
  uint64_t bucket = (uint64_t)shift * SUB + (us >> shift);
  histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  total++;
  if (us > highest) highest = us;
}

void forget_latencies(void) {
  memset(histogram, 0, sizeof histogram);
  highest = total = 0;
}

/* The upper end of the bucket below which `share` of all are. */
static uint64_t quantile(double share) {
  uint64_t below = 0, wanted = (uint64_t)(share * total + 0.999999);
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    if ((below += histogram[bucket]) < wanted) continue;
    int shift = bucket < 2 * SUB ? 0 : bucket / SUB - 1;
    uint64_t upper = ((uint64_t)(bucket - shift * SUB + 1) << shift) - 1;
    return upper < highest ? upper : highest;
  }
  return highest;
}

void say_latencies(void) {
  say("latency %lu %lu %lu %lu %lu", total, quantile(0.5), quantile(0.99), quantile(0.999), highest);
}
