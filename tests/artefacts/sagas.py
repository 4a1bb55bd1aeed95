"""State machines in moto, which interprets their language: commands go through real queues, answers by their tokens.

Only time is made short. A pause between attempts takes none, at the upper end of its range; a command that nobody
answers times out at once. Both are written down as the state machine asked for them.
"""

import json
import os
import sys
import threading
import time
import types

os.environ.update(
    AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="eu-central-1"
)

import boto3
import moto
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts import timeout
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sqs,
)

REGION = "eu-central-1"
# Seconds after which nobody answers any more.
SOON = 0.2
# Seconds in which somebody answers for sure.
LATE = 600
# Runs at a time.
BATCH = 24


class Run:
    """One execution: what it is told, and what it did."""

    def __init__(self, told):
        self.answers = told["answers"]
        self.sent, self.pauses, self.timeouts, self.wrong = [], [], {}, []
        self.output = self.error = None
        self.jitter = False

    def answer(self, command):
        """What comes of this attempt, once it is written down."""
        self.sent.append(command)
        count = self.sent.count(command)
        for name, how, times in self.answers:
            if name == command and count <= times:
                return how
        return None

    def is_silent(self, command):
        """Whether nobody will answer the next attempt."""
        count = self.sent.count(command) + 1
        return any(n == command and h == "Silent" and count <= t for n, h, t in self.answers)


RUNS = {}
HERE = threading.local()


def seconds(self, env):
    """In place of the time that a state gives its command."""
    context = env.states.context_object.context_object_data
    run = RUNS[context["Execution"]["Name"]]
    HERE.run = run
    # moto leaves the name as it is written in the file.
    state = json.loads('"%s"' % context["State"]["Name"])
    run.timeouts[state] = self.timeout_seconds
    command = COMMANDS[context["StateMachine"]["Name"]].get(state)
    return SOON if command and run.is_silent(command) else LATE


def uniform(low, high):
    HERE.run.jitter = low == 0
    return high


def pause(length):
    HERE.run.pauses.append(length if HERE.run.jitter else -length)
    HERE.run.jitter = False


def attempt(self, env):
    """Every attempt has a token of its own, as in AWS; moto keeps that of the first."""
    env.callback_pool_manager.add(env.states.context_object.update_task_token())
    ONE(self, env)


ONE = state_task_service_sqs.StateTaskServiceSqs._eval_execution
state_task_service_sqs.StateTaskServiceSqs._eval_execution = attempt
timeout.TimeoutSeconds._eval_seconds = seconds
jitter_strategy_decl.random = types.SimpleNamespace(uniform=uniform)
retrier_decl.time = types.SimpleNamespace(sleep=pause)
COMMANDS = {}


def created(machine, template, name):
    """The address of the machine, over the queues of its stack."""
    resources = template["Resources"]
    own = resources["StateMachine"]
    # moto reads no definition out of a bucket.
    rest = {k: v for k, v in resources.items() if v["Type"] in ("AWS::SQS::Queue", "AWS::IAM::Role")}
    cloud = boto3.client("cloudformation")
    body = json.dumps({"Resources": rest})
    cloud.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    text = machine
    for word, value in own["Properties"]["DefinitionSubstitutions"].items():
        found = cloud.describe_stack_resource(StackName=name, LogicalResourceId=value["Ref"])
        text = text.replace("${%s}" % word, found["StackResourceDetail"]["PhysicalResourceId"])
    assert "${" not in text.replace("$${", ""), "an address is missing"
    COMMANDS[name] = {
        at: f'{s["Parameters"]["MessageBody"]["step"]}. {s["Parameters"]["MessageBody"]["command"]}'
        for at, s in json.loads(text)["States"].items()
        if s["Type"] == "Task"
    }
    role = cloud.describe_stack_resource(StackName=name, LogicalResourceId="Role")
    role = "arn:aws:iam::123456789012:role/" + role["StackResourceDetail"]["PhysicalResourceId"]
    machines = boto3.client("stepfunctions")
    return machines.create_state_machine(name=name, definition=text, roleArn=role)["stateMachineArn"]


class Sender:
    """The client of the state machines: each command is written down when it is sent."""

    def __init__(self, sqs):
        self.sqs = sqs
        self.answers = {}

    def send_message(self, **told):
        body = json.loads(told["MessageBody"])
        answer = RUNS[body["saga"]].answer(f'{body["step"]}. {body["command"]}')
        self.answers[body["token"]] = answer
        return self.sqs.send_message(**told)


def answer(send):
    """Answers a command. moto stumbles over other executions that have just begun: once more then."""
    for _ in range(200):
        try:
            return send()
        except AttributeError:
            time.sleep(0.05)
    return send()


def serve(sender, machines, owners, services):
    """Answers every command that waits in a queue."""
    met = 0
    for url in owners:
        found = sender.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            met += 1
            sender.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(message["Body"])
            run = RUNS[body["saga"]]
            command = f'{body["step"]}. {body["command"]}'
            if owners[url] != services[body["step"] - 1]:
                run.wrong.append(f"{command} is in the queue of {owners[url]}")
            if body["input"].get("order") != 7:
                run.wrong.append(f"{command} lost the input of the execution")
            how = sender.answers[body["token"]]
            token = {"taskToken": body["token"]}
            if how is None:
                said = json.dumps({"did": command})
                send = lambda: machines.send_task_success(**token, output=said)
            elif how != "Silent":
                send = lambda: machines.send_task_failure(**token, error=how, cause="told to")
            else:
                continue
            try:
                answer(send)
            except Exception as error:
                run.wrong.append(f"{command}: {error}")
    return met


def play(one):
    """What became of each run."""
    template = json.loads(one["template"])
    arn = created(one["machine"], template, "saga")
    sqs, machines = boto3.client("sqs"), boto3.client("stepfunctions")
    sender = Sender(sqs)
    state_task_service_sqs.boto_client_for = lambda **_: sender
    owners = {}
    for policy in template["Resources"].values():
        if policy["Type"] == "AWS::IAM::ManagedPolicy":
            may = policy["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]["Fn::GetAtt"][0]
            queue = template["Resources"][may]["Properties"]["QueueName"]
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            owners[url] = policy["Properties"]["Description"].split(" takes part ")[0]
    RUNS.clear()
    runs = [(f"run-{n}", Run(told)) for n, told in enumerate(one["runs"])]
    RUNS.update(runs)
    for at in range(0, len(runs), BATCH):
        begun = {}
        for name, run in runs[at : at + BATCH]:
            found = machines.start_execution(stateMachineArn=arn, name=name, input='{"order": 7}')
            begun[found["executionArn"]] = run
        ends = time.monotonic() + 60
        while begun and time.monotonic() < ends:
            if serve(sender, machines, owners, one["services"]) > 0:
                continue
            time.sleep(0.02)
            for execution, run in list(begun.items()):
                now = machines.describe_execution(executionArn=execution)
                if now["status"] != "RUNNING":
                    run.error = now.get("error", now["status"])
                    run.output = json.loads(now.get("output", "null"))
                    del begun[execution]
        for run in begun.values():
            run.error = "it does not end"
    fields = ("sent", "error", "output", "pauses", "timeouts", "wrong")
    return [{f: getattr(run, f) for f in fields} for _, run in runs]


def main():
    if sys.argv[1] == "version":
        print(moto.__version__)
        return
    with open(sys.argv[1], encoding="utf-8") as file:
        plays = json.load(file)
    out = []
    for one in plays:
        with moto.mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
            try:
                out.append(play(one))
            except Exception as error:
                out.append(f"{type(error).__name__}: {error}")
    print(json.dumps(out))


main()
