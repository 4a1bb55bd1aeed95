"""CloudFormation stacks in moto: events are published and not deleted until they are given up."""

import json
import os
import sys

os.environ.update(
    AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="eu-central-1"
)

import boto3
import moto


def received(sqs, queue):
    """One message of the queue, or nothing."""
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages", [])
    return url, found[0] if found else None


def publish(template, reader, body, n):
    """Sends one event the way its publisher would."""
    if any(r["Type"] == "AWS::Events::EventBus" for r in template["Resources"].values()):
        events = boto3.client("events")
        bus = [b["Name"] for b in events.list_event_buses()["EventBuses"] if b["Name"] != "default"]
        entry = {"Source": "test", "DetailType": reader["channel"], "Detail": body}
        done = events.put_events(Entries=[{**entry, "EventBusName": bus[0]}])
        assert done["FailedEntryCount"] == 0, done
        return
    topic = "arn:aws:sns:eu-central-1:123456789012:" + reader["channel"]
    order = {"MessageGroupId": "k", "MessageDeduplicationId": str(n)}
    fifo = order if reader["channel"].endswith(".fifo") else {}
    boto3.client("sns").publish(TopicArn=topic, Message=body, **fifo)


def subscribe(template):
    """Makes the subscriptions of the stack, which moto leaves out of it."""
    resources = template["Resources"]
    for resource in resources.values():
        if resource["Type"] != "AWS::SNS::Subscription":
            continue
        mine = resource["Properties"]
        topic = resources[mine["TopicArn"]["Ref"]]["Properties"]["TopicName"]
        queue, what = mine["Endpoint"]["Fn::GetAtt"]
        assert what == "Arn", mine
        queue = resources[queue]["Properties"]["QueueName"]
        boto3.client("sns").subscribe(
            TopicArn="arn:aws:sns:eu-central-1:123456789012:" + topic,
            Protocol=mine["Protocol"],
            Endpoint="arn:aws:sqs:eu-central-1:123456789012:" + queue,
            Attributes={"RawMessageDelivery": str(mine["RawMessageDelivery"]).lower()},
        )


def play(template, readers):
    """What went other than told."""
    wrong = []
    sqs = boto3.client("sqs")
    cloud = boto3.client("cloudformation")
    try:
        cloud.create_stack(
            StackName="broker", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
        subscribe(template)
    except Exception as error:
        return [f"no stack: {error}"]
    for channel in sorted({r["channel"] for r in readers}):
        of_channel = [r for r in readers if r["channel"] == channel]
        body = json.dumps({"eventId": f"event on {channel}"})
        try:
            publish(template, of_channel[0], body, 1)
        except Exception as error:
            wrong.append(f"{channel}: {error}")
            continue
        for reader in of_channel:
            # Deliveries until the queue gives nothing more.
            count = 0
            while count < 100:
                try:
                    url, message = received(sqs, reader["queue"])
                except Exception as error:
                    wrong.append(f"{reader['queue']}: {error}")
                    break
                if message is None:
                    break
                count += 1
                if json.loads(body)["eventId"] not in message["Body"]:
                    wrong.append(f"{reader['queue']}: {message['Body']}")
                sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
            if count != reader["deliveries"]:
                wrong.append(f"{reader['queue']}: {count} deliveries, not {reader['deliveries']}")
            try:
                _, dead = received(sqs, reader["dead_letter"])
            except Exception as error:
                wrong.append(f"{reader['dead_letter']}: {error}")
                continue
            if dead is None:
                wrong.append(f"{reader['dead_letter']}: nothing landed")
    return wrong + lifetimes(sqs)


def lifetimes(sqs):
    """A dead letter's age counts from when it was first sent: it has to be kept for longer."""
    wrong = []
    for url in sqs.list_queues().get("QueueUrls", []):
        mine = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if "RedrivePolicy" not in mine:
            continue
        dead = json.loads(mine["RedrivePolicy"])["deadLetterTargetArn"].rsplit(":", 1)[1]
        dead = sqs.get_queue_url(QueueName=dead)["QueueUrl"]
        theirs = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
        kept, dead_kept = (int(a["MessageRetentionPeriod"]) for a in (mine, theirs))
        if dead_kept <= kept:
            wrong.append(f"{url}: kept for {kept} s, its dead letters for {dead_kept} s")
    return wrong


def main():
    if sys.argv[1] == "version":
        print(moto.__version__)
        return
    if sys.argv[1] == "accept":
        failed = []
        for path in sys.argv[2:]:
            with open(path, encoding="utf-8") as file, moto.mock_aws():
                failed += [f"{path}: {w}" for w in play(json.load(file), [])]
        if failed:
            sys.exit("\n".join(failed))
        return
    with open(sys.argv[2], encoding="utf-8") as file:
        plays = json.load(file)
    out = []
    for one in plays:
        with moto.mock_aws():
            out.append(play(json.loads(one["template"]), one["readers"]))
    print(json.dumps(out))


main()
