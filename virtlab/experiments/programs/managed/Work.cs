// The same work as Work.java and work.wat, for the CLR, and an intruder as in Tenants.java.
//   mono Work.exe corners            results where machines differ, one a line
//   mono Work.exe time N TIMES       the clock at the start, the digest, then the ns of each repetition
//   mono Work.exe past               reads past the end of an array
//   mono Work.exe ATTACK SECRET FILE memory, file or end: against a neighbour in the same process
using System;
using System.Diagnostics;
using System.IO;
using System.Reflection;
using System.Text;

static class Neighbour
{
    private static string secret;

    public static void Move(string what)
    {
        secret = what;
    }
}

static class Work
{
    static int Digest(int n)
    {
        int digest = unchecked((int)0x811C9DC5);
        for (int start = 1; start <= n; start++)
        {
            long x = start;
            int steps = 0;
            while (x != 1)
            {
                x = (x & 1) == 0 ? x >> 1 : 3 * x + 1;
                steps++;
            }
            digest = (digest ^ steps) * 16777619;
        }
        return digest;
    }

    static int Add(int a, int b) { return a + b; }
    static int Divide(int a, int b) { return a / b; }
    static int Remainder(int a, int b) { return a % b; }
    static int Left(int a, int b) { return a << b; }
    static int Right(int a, int b) { return (int)((uint)a >> b); }

    static long Sum(int n)
    {
        double sum = 0;
        for (int i = 1; i <= n; i++)
        {
            sum += 1.0 / i;
        }
        return BitConverter.DoubleToInt64Bits(sum);
    }

    static long Now()
    {
        // On Linux this counter is CLOCK_MONOTONIC; a tick is 100 ns with Mono, 1 ns with .NET.
        return Stopwatch.GetTimestamp() * (1000000000L / Stopwatch.Frequency);
    }

    static void Time(StringBuilder told, long begun, int n, int times)
    {
        long[] at = new long[times + 1];
        int digest = 0;
        at[0] = Now();
        for (int i = 1; i < at.Length; i++)
        {
            digest = Digest(n);
            at[i] = Now();
        }
        told.Append(begun).Append('\n').Append(digest).Append('\n');
        for (int i = 1; i < at.Length; i++)
        {
            told.Append(at[i] - at[i - 1]).Append('\n');
        }
    }

    static void Attack(string kind, string file)
    {
        try
        {
            if (kind == "memory")
            {
                BindingFlags hidden = BindingFlags.NonPublic | BindingFlags.Static;
                Console.WriteLine(typeof(Neighbour).GetField("secret", hidden).GetValue(null));
            }
            else if (kind == "file")
            {
                Console.WriteLine(File.ReadAllText(file).Trim());
            }
            else
            {
                Environment.Exit(0);
            }
        }
        catch (Exception refusal)
        {
            Console.WriteLine("stopped: " + refusal.GetType().Name);
        }
    }

    static void Main(string[] arguments)
    {
        long begun = Now();
        StringBuilder told = new StringBuilder();
        if (arguments[0] == "corners")
        {
            told.Append(Digest(1000)).Append('\n').Append(Add(2147483647, 1)).Append('\n');
            told.Append(Divide(-7, 2)).Append('\n').Append(Remainder(-7, 2)).Append('\n');
            told.Append(Left(1, 33)).Append('\n').Append(Right(-1, 28)).Append('\n');
            told.Append(Sum(1000)).Append('\n');
        }
        else if (arguments[0] == "time")
        {
            Time(told, begun, int.Parse(arguments[1]), int.Parse(arguments[2]));
        }
        else if (arguments[0] == "past")
        {
            try
            {
                int[] four = new int[4];
                told.Append(four[arguments.Length + 3]).Append('\n');
            }
            catch (IndexOutOfRangeException refusal)
            {
                told.Append(refusal.GetType().Name).Append('\n');
            }
        }
        else
        {
            Neighbour.Move(arguments[1]);
            Attack(arguments[0], arguments[2]);
            told.Append("the neighbour lives\n");
        }
        Console.Out.Write(told.ToString());
        Console.Out.Flush();
    }
}
