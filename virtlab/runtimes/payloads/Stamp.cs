// The payload of the CLR rung: tells the time of its first instruction and waits for the end of its input.
using System;
using System.Diagnostics;

static class Stamp
{
    static void Main()
    {
        // On Linux this counter is CLOCK_MONOTONIC; a tick is 100 ns with Mono, 1 ns with .NET.
        long ticks = Stopwatch.GetTimestamp();
        Console.Out.Write(ticks * (1000000000L / Stopwatch.Frequency) + "\n");
        Console.Out.Flush();
        Console.In.Read();
    }
}
